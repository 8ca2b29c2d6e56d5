//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A deed is what an item does to its worker.
type deed struct {
	N     int
	Do    string // empty: nothing
	Times int    // how many attempts do it
	Dir   string // where each attempt leaves a file; empty: nowhere
}

// A trace is what a surviving item reports about itself.
type trace struct{ N, Attempt, PID int }

var (
	deedTask   *Task[deed, trace]
	deedsInJob *Job[deedJob, deed, int, int]
)

func init() { // not at their declarations: doDeed uses what they register
	deedTask = FuncContext(doDeed)
	deedsInJob = NewJob[deedJob]("deeds")
}

func doDeed(ctx context.Context, d deed) (trace, error) {
	w := CurrentWorker(ctx)
	if d.Dir != "" {
		// Each attempt writes its own file, because one that is cut short could leave half a line
		// in a common file.
		f, err := os.CreateTemp(d.Dir, fmt.Sprintf("%d.", d.N))
		if err != nil {
			return trace{}, err
		}
		f.Close()
	}
	if d.Do != "" && w.Attempt <= d.Times {
		if err := misbehave(ctx, d); err != nil {
			return trace{}, err
		}
	}
	return trace{d.N, w.Attempt, w.PID}, nil
}

// misbehave does what d says. Its result is the error of the item.
func misbehave(ctx context.Context, d deed) error {
	switch d.Do {
	case "SIGKILL":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "SIGSEGV":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
		time.Sleep(hangTime)
	case "overflow":
		debug.SetMaxStack(1 << 20) // the default of a gigabyte takes too long
		return fmt.Errorf("no overflow at %d", overflow(1))
	case "exit":
		os.Exit(3)
	case "Goexit":
		runtime.Goexit()
	case "panic elsewhere":
		go panic("out of a goroutine")
		time.Sleep(hangTime)
	case "fatal":
		// This is as unrecoverable as concurrent map writes, but certain, while those are found by
		// chance.
		new(sync.Mutex).Unlock()
	case "error":
		return errors.New("an error of the task")
	case "hang":
		time.Sleep(time.Hour) // not select{}: the runtime would call that a deadlock
	case "hang with child":
		startSleeper(d)
		time.Sleep(time.Hour)
	case "obey":
		<-ctx.Done()
		return ctx.Err()
	case "sleep":
		time.Sleep(300 * time.Millisecond)
	case "eat":
		eat()
	default:
		return garble(ctx, d.Do)
	}
	return nil
}

// exits says how workers end that do what the name says. An exit status of 2 is a crash of the Go
// runtime.
var exits = []struct {
	do     string
	signal syscall.Signal
	code   int
	stderr string // a part of its last words
}{
	{"SIGKILL", syscall.SIGKILL, -1, ""},
	{"SIGSEGV", 0, 2, "SIGSEGV"},
	{"overflow", 0, 2, "stack overflow"},
	{"exit", 0, 3, ""},
	{"Goexit", 0, exitGoexit, "Goexit"},
	{"panic elsewhere", 0, 2, "out of a goroutine"},
	{"fatal", 0, 2, "unlock of unlocked mutex"},
}

// silent keeps the output of dying workers out of the test's output.
func silent() WorkerOption { return Output(func(OutputLine) {}) }

// deeds returns n items of which those at victims do something.
func deeds(dir string, n int, do string, times int, victims ...int) []deed {
	all := make([]deed, n)
	for i := range all {
		all[i] = deed{N: i, Dir: dir}
		if slices.Contains(victims, i) {
			all[i].Do, all[i].Times = do, times
		}
	}
	return all
}

// attempts counts how often an item was begun.
func attempts(t *testing.T, dir string, item int) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, fmt.Sprintf("%d.*", item)))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// checkTraces fails the test unless all items except those in failed have their own result. All
// except victims must have it at the first attempt: no other item is blamed.
func checkTraces(t *testing.T, got []trace, failed []int, victims ...int) {
	t.Helper()
	for i, r := range got {
		switch {
		case slices.Contains(failed, i):
			if r != (trace{}) {
				t.Errorf("item %d failed, and has the result %+v", i, r)
			}
		case r.N != i || r.PID == 0:
			t.Errorf("item %d has the result %+v", i, r)
		case r.Attempt != 1 && !slices.Contains(victims, i):
			t.Errorf("item %d is blamed for what another did: attempt %d", i, r.Attempt)
		}
	}
}

// chunkSizes: alone, with neighbours, and as it comes.
var chunkSizes = []int{1, 10, 0}
