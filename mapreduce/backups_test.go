//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// A stuck item hangs on the worker with the number Stuck.
type stuck struct {
	Stuck, Item int
	Deaf        bool   // it ignores its context
	Begun       string // a file that it makes, for which items on other workers wait; empty: none
}

var unlessStuck = FuncContext(func(ctx context.Context, a stuck) (int, error) {
	switch {
	case CurrentWorker(ctx).ID != a.Stuck:
		for begun := a.Begun == ""; !begun && ctx.Err() == nil; time.Sleep(time.Millisecond) {
			_, err := os.Stat(a.Begun)
			begun = err == nil
		}
	case a.Begun != "" && os.WriteFile(a.Begun, nil, 0o600) != nil:
		return 0, errors.New("the file that tells the others cannot be made")
	case a.Deaf:
		select {}
	default:
		<-ctx.Done()
	}
	return 3 * a.Item, nil
})

func stuckArgs(n, worker int, deaf bool) (args []stuck, want []int) {
	for i := range n {
		args = append(args, stuck{Stuck: worker, Item: i, Deaf: deaf})
		want = append(want, 3*i)
	}
	return args, want
}

func awaitReady(t *testing.T, p *Pool, workers int) {
	t.Helper()
	eventually(t, hangTime, func() error {
		if n := len(p.Stats().Workers); n != workers {
			return fmt.Errorf("%d workers are ready, of %d", n, workers)
		}
		return nil
	})
}

// With Backups, a worker that hangs does not delay the end of a call, and the pool is there for the
// next call.
func TestBackups(t *testing.T) {
	for name, deaf := range map[string]bool{"a task that ends with its context": false, "a task that must be killed": true} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			dir := t.TempDir()
			p := newPool(t, Procs(2), Backups())
			awaitReady(t, p, 2)
			before := p.Workers()
			args, want := stuckArgs(20, before[0].ID, deaf)
			for i := range args {
				args[i].Begun = filepath.Join(dir, "begun")
			}
			got, err := unlessStuck.Map(t.Context(), p, args, Chunksize(2))
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("got %v, %v, want %v", got, err, want)
			}
			if s := p.Stats(); s.Done != 20 || s.Failed != 0 || s.Retried != 0 {
				t.Errorf("%d done, %d failed, %d retried, of 20", s.Done, s.Failed, s.Retried)
			}
			eventually(t, hangTime, func() error {
				if killed := !slices.Contains(p.Workers(), before[0]); killed != deaf {
					return fmt.Errorf("the stuck worker was killed: %v, want %v", killed, deaf)
				}
				return nil
			})
			args, want = stuckArgs(20, 0, false)
			if got, err := unlessStuck.Map(t.Context(), p, args); err != nil || !slices.Equal(got, want) {
				t.Fatalf("the next call: %v, %v, want %v", got, err, want)
			}
		})
	}
}

func TestBackupsOfAStream(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(2))
	awaitReady(t, p, 2)
	args, want := stuckArgs(50, p.Workers()[1].ID, true)
	var got []int
	for r, err := range unlessStuck.Imap(t.Context(), p, slices.Values(args), Backups(), Chunksize(1)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// If each worker dies or hangs at some time and chunks have copies, each result still arrives
// exactly once.
func TestBackupsWithLostWorkers(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(4), Backups(), Retries(100))
	want := make([]int, 40)
	for i := range want {
		want[i] = 3 * i
	}
	for round := range 20 {
		workers := p.Workers()
		victim := workers[round%len(workers)]
		args, _ := stuckArgs(40, workers[(round+1)%len(workers)].ID, round%2 == 0)
		kill := time.AfterFunc(time.Duration(round%5)*time.Millisecond, func() { _ = syscall.Kill(victim.PID, syscall.SIGKILL) })
		got, err := unlessStuck.Map(t.Context(), p, args, Chunksize(round%3))
		kill.Stop()
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("round %d: got %v, %v, want %v", round, got, err, want)
		}
	}
}
