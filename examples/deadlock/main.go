// Command deadlock runs two processes that take the same two locks: first in one order, which ends
// well, then in opposite order, so that each waits for what the other holds. The framework logs
// that: which process waits for which lock, and where, and which process holds it. The driver shows
// the report and gives the call up.
//
// In Python, two Processes with two multiprocessing.Locks and opposite "with" statements hang
// without a word.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"mrrun/mapreduce"
	"mrrun/shared"
)

type taking struct {
	First, Second *shared.Lock
	Between       *shared.Barrier // between the first lock and the second; nil: leave it to chance
}

var take = mapreduce.FuncContext(func(ctx context.Context, t taking) (string, error) {
	return "has had both", t.First.Do(ctx, func() error {
		if t.Between != nil {
			if _, err := t.Between.Wait(ctx); err != nil {
				return err
			}
		}
		return t.Second.Do(ctx, func() error { return nil }, nothing)
	}, nothing)
})

// nothing repairs what a killed holder of a lock may leave: the locks guard nothing here.
var nothing = shared.Repair(func() error { return nil })

// A watcher is a log handler that calls found with the report of a deadlock, and passes everything
// else to another handler.
type watcher struct {
	slog.Handler
	found func(report string)
}

func (w watcher) Handle(ctx context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "deadlock:") {
		w.found(r.Message)
		return nil
	}
	return w.Handler.Handle(ctx, r)
}

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		l1, err := shared.NewLock()
		if err != nil {
			return err
		}
		defer l1.Close()
		l2, err := shared.NewLock()
		if err != nil {
			return err
		}
		defer l2.Close()
		between, err := shared.NewBarrier(2)
		if err != nil {
			return err
		}
		defer between.Close()
		cancelable, cancel := context.WithCancelCause(ctx)
		log := watcher{slog.Default().Handler(), func(report string) {
			fmt.Println(report)
			cancel(errors.New("given up: a deadlock"))
		}}
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(2), mapreduce.Logger(log))
		if err != nil {
			return err
		}
		defer pool.Close()

		results, err := take.Map(ctx, pool, []taking{{l1, l2, nil}, {l1, l2, nil}})
		fmt.Printf("same order: %q %v\n", results, err)
		results, err = take.Map(cancelable, pool, []taking{{l1, l2, between}, {l2, l1, between}})
		fmt.Printf("opposite order: %q %v\n", results, err)
		return nil
	})
}

// Output:
// same order: ["has had both" "has had both"] <nil>
// ~ deadlock: process \d+ waits at \S+/main.go:\d+ for Lock \d+, which process \d+ holds; process .*, which process \d+ holds
// opposite order: [] given up: a deadlock
