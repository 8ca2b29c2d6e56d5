//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"testing"

	"mrrun/shared"
)

// A crossing is the argument of one of two tasks that take two locks in opposite order.
type crossing struct {
	First, Second *shared.Lock
	Both          *shared.Barrier
}

var cross *Task[crossing, int]

func init() { cross = FuncContext(takeBoth) }

func takeBoth(ctx context.Context, c crossing) (int, error) {
	return 0, c.First.Do(ctx, func() error {
		if _, err := c.Both.Wait(ctx); err != nil {
			return err
		}
		return c.Second.Do(ctx, func() error { return nil })
	})
}

// If two processes take two locks in opposite order, this process logs which waits for which lock,
// and which holds it.
func TestDeadlockIsLogged(t *testing.T) {
	checkLeaks(t)
	r := &recorder{}
	was := slog.Default()
	t.Cleanup(func() { slog.SetDefault(was) })
	slog.SetDefault(slog.New(r))
	report := regexp.MustCompile(`^deadlock: process (\d+) waits at \S+/shared_deadlock_test.go:\d+ for Lock \d+, which process (\d+) holds; process (\d+) waits at .* for Lock \d+, which process (\d+) holds$`)
	for name, run := range map[string]func(ctx context.Context, one, other crossing){
		"pool": func(ctx context.Context, one, other crossing) {
			_, _ = cross.Map(ctx, newPool(t, Procs(2)), []crossing{one, other}, Chunksize(1))
		},
		"processes": func(ctx context.Context, one, other crossing) {
			p, err := cross.Start(ctx, one)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = cross.Start(ctx, other); err != nil {
				t.Fatal(err)
			}
			<-p.Done()
		},
		"driver and process": func(ctx context.Context, one, other crossing) {
			p, err := cross.Start(ctx, one)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = takeBoth(ctx, other)
			<-p.Done()
		},
		"driver and pool": func(ctx context.Context, one, other crossing) {
			f := cross.ApplyAsync(ctx, newPool(t, Procs(1)), one)
			_, _ = takeBoth(ctx, other)
			_, _ = f.Get(context.Background())
		},
	} {
		t.Run(name, func(t *testing.T) {
			l1, err1 := shared.NewLock()
			l2, err2 := shared.NewLock()
			both, err3 := shared.NewBarrier(2)
			if err := errors.Join(err1, err2, err3); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = errors.Join(l1.Close(), l2.Close(), both.Close()) })
			ctx, cancel := context.WithCancel(t.Context())
			found := make(chan []string, 1)
			r.mu.Lock()
			r.all, r.do = nil, func(record slog.Record) error {
				if words := report.FindStringSubmatch(record.Message); words != nil {
					select {
					case found <- words[1:]:
					default:
					}
					cancel()
				}
				return nil
			}
			r.mu.Unlock()
			run(ctx, crossing{l1, l2, both}, crossing{l2, l1, both})
			select {
			case pids := <-found:
				if pids[0] != pids[3] || pids[1] != pids[2] || pids[0] == pids[1] {
					t.Errorf("%v", pids)
				}
			default:
				t.Errorf("no report: %v", fmt.Sprint(r.all))
			}
		})
	}
}
