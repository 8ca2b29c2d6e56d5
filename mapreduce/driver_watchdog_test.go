//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// startSleeper starts a process that would outlive the item, and records its process ID.
func startSleeper(d deed) {
	child := exec.Command("sleep", "1000")
	if err := child.Start(); err == nil {
		_ = os.WriteFile(filepath.Join(d.Dir, "child"), []byte(strconv.Itoa(child.Process.Pid)), 0o600)
	}
}

// checkSleeperDies fails the test unless the process that an item started dies.
func checkSleeperDies(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "child"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, deathTime, func() error {
		if !dead(pid) {
			return fmt.Errorf("it lives: %s", describe(pid))
		}
		return nil
	})
}

// awaitBegun waits until an item has begun.
func awaitBegun(t *testing.T, dir string, item int) {
	t.Helper()
	eventually(t, hangTime, func() error {
		if attempts(t, dir, item) == 0 {
			return fmt.Errorf("item %d does not begin", item)
		}
		return nil
	})
}

func checkTimeout(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want ErrTimeout, which is a context.DeadlineExceeded", err)
	}
}

func TestTimeout(t *testing.T) {
	checkLeaks(t)
	const limit = 200 * time.Millisecond
	tests := []struct {
		name, do string
		pool     []PoolOption
		call     []CallOption
		lost     int // workers
	}{
		{"ignored", "hang with child", nil, []CallOption{Timeout(limit)}, 1},
		{"ignored, of the pool", "hang with child", []PoolOption{Timeout(limit)}, nil, 1},
		{"the call's counts", "hang with child", []PoolOption{Timeout(time.Hour)}, []CallOption{Timeout(limit)}, 1},
		{"obeyed", "obey", nil, []CallOption{Timeout(limit)}, 0},
		{"obeyed, of the pool", "obey", []PoolOption{Timeout(limit)}, nil, 0},
		{"in process, ignored", "sleep", []PoolOption{InProcess()}, []CallOption{Timeout(limit / 4)}, 1},
		{"in process, obeyed", "obey", []PoolOption{InProcess()}, []CallOption{Timeout(limit)}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPool(t, append(test.pool, silent())...)
			dir, victims := t.TempDir(), []int{3, 17}
			start := time.Now()
			got, err := deedTask.Map(t.Context(), p, deeds(dir, 30, test.do, 1000, victims...), append(test.call, Chunksize(10))...)
			took := time.Since(start)
			t.Logf("two items of %v took %v", limit, took)
			if took > 2*limit+slack {
				t.Errorf("it took %v", took)
			}
			failed, _ := errors.AsType[TaskErrors](err)
			if len(failed) != 2 || failed[0].Index != 3 || failed[1].Index != 17 {
				t.Fatalf("error %v, want those of the items 3 and 17", err)
			}
			for _, e := range failed {
				checkTimeout(t, e)
			}
			checkTraces(t, got, victims)
			for _, v := range victims {
				if n := attempts(t, dir, v); n != 1 {
					t.Errorf("item %d was begun %d times: a timeout is not retried", v, n)
				}
			}
			if s := p.Stats(); s.Lost != 2*test.lost || s.Retried != 0 {
				t.Errorf("%d workers are lost, %d items tried again; want %d, 0", s.Lost, s.Retried, 2*test.lost)
			}
			if test.do == "hang with child" {
				checkSleeperDies(t, dir)
			}
			checkUsable(t, p)
		})
	}
}

// With one item, its timeout is the whole time of the call.
func TestTimeoutIsPrompt(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, silent())
	for _, limit := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond} {
		for _, do := range []string{"hang", "obey"} {
			start := time.Now()
			_, err := deedTask.Apply(t.Context(), p, deed{Do: do, Times: 1000}, Timeout(limit))
			took := time.Since(start)
			checkTimeout(t, err)
			t.Logf("%s: timeout %v, failed after %v", do, limit, took)
			if took < limit || took > limit+slack {
				t.Errorf("%s: timeout %v, failed after %v", do, limit, took)
			}
		}
	}
	// Items that are fast enough are left alone, however long the call takes.
	if _, err := deedTask.Map(t.Context(), p, deeds("", 40, "", 0), Timeout(10*time.Second)); err != nil {
		t.Error(err)
	}
}

// Job items have the limit too.
func TestTimeoutInJob(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, silent())
	for _, do := range []string{"hang", "obey"} {
		_, err := deedsInJob.Run(t.Context(), p, deedJob{}, deeds("", 20, do, 1000, 7), Timeout(100*time.Millisecond), Chunksize(5))
		checkTimeout(t, err)
		if e, ok := errors.AsType[*TaskError](err); !ok || e.Index != 7 {
			t.Errorf("%s: error %v, want that of item 7", do, err)
		}
		checkUsable(t, p)
	}
}

// Cancel ends one item, but not the items that share its worker.
func TestCancelHangingFuture(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(1), silent())
	checkUsable(t, p)
	dir := t.TempDir()
	hanging := deedTask.ApplyAsync(t.Context(), p, deed{Do: "hang with child", Times: 1000, Dir: dir})
	awaitBegun(t, dir, 0)
	var others []*Future[trace]
	for i := range 50 {
		others = append(others, deedTask.ApplyAsync(t.Context(), p, deed{N: i}))
	}
	never := deedTask.ApplyAsync(t.Context(), p, deed{N: 77, Do: "exit", Times: 1000, Dir: dir})
	start := time.Now()
	never.Cancel()
	hanging.Cancel()
	for _, f := range []*Future[trace]{hanging, never} {
		if _, err := f.Get(t.Context()); err != ErrCanceled || !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want ErrCanceled", err)
		}
	}
	for i, f := range others {
		if got, err := f.Get(t.Context()); err != nil || got.N != i || got.Attempt != 1 {
			t.Errorf("future %d: %+v, %v", i, got, err)
		}
	}
	took := time.Since(start)
	t.Logf("the others were ready %v after the cancel", took)
	if took > slack {
		t.Errorf("the others had to wait %v", took)
	}
	if n := attempts(t, dir, 77); n != 0 {
		t.Error("what was cancelled before it began has begun")
	}
	checkSleeperDies(t, dir)
	if s := p.Stats(); s.Lost != 1 || s.Retried != 0 {
		t.Errorf("%d workers are lost, %d items tried again; want 1, 0", s.Lost, s.Retried)
	}
}

// Cancelling an item that heeds its context costs no worker.
func TestCancelObeyingFuture(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(1), silent())
	dir := t.TempDir()
	f := deedTask.ApplyAsync(t.Context(), p, deed{Do: "obey", Times: 1000, Dir: dir})
	awaitBegun(t, dir, 0)
	f.Cancel()
	if _, err := f.Get(t.Context()); err != ErrCanceled {
		t.Errorf("error %v, want ErrCanceled", err)
	}
	checkUsable(t, p)
	if s := p.Stats(); s.Lost != 0 {
		t.Errorf("%d workers are lost", s.Lost)
	}
}

// A cancelled call returns at once, and its hanging items do not keep other calls waiting.
func TestCancelHangingCalls(t *testing.T) {
	checkLeaks(t)
	tests := []struct {
		name string
		call func(ctx context.Context, cancel func(), p *Pool, items []deed) error
	}{
		{"Map", func(ctx context.Context, cancel func(), p *Pool, items []deed) error {
			_, err := deedTask.Map(ctx, p, items)
			return err
		}},
		{"Job", func(ctx context.Context, cancel func(), p *Pool, items []deed) error {
			_, err := deedsInJob.Run(ctx, p, deedJob{}, items)
			return err
		}},
		{"Imap", func(ctx context.Context, cancel func(), p *Pool, items []deed) error {
			_, _, err := collect(deedTask.Imap(ctx, p, slices.Values(items)))
			return err
		}},
		{"break", func(ctx context.Context, cancel func(), p *Pool, items []deed) error {
			items[0].Do = ""
			for range deedTask.Imap(context.Background(), p, slices.Values(items), Chunksize(1)) {
				return context.Canceled
			}
			return nil
		}},
	}
	for _, test := range tests {
		for _, chunk := range []int{1, 100} {
			t.Run(fmt.Sprint(test.name, chunk), func(t *testing.T) {
				p := newPool(t, Chunksize(chunk), silent())
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(100*time.Millisecond, cancel)
				start := time.Now()
				err := test.call(ctx, cancel, p, deeds("", 1000, "hang", 1000, numbers(1000)...))
				returned := time.Since(start)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("error %v, want context.Canceled", err)
				}
				checkUsable(t, p)
				usable := time.Since(start)
				t.Logf("returned after %v, usable after %v", returned, usable)
				if usable > slack {
					t.Errorf("returned after %v, usable after %v", returned, usable)
				}
				if s := p.Stats(); s.Lost > 2 {
					t.Errorf("%d workers are lost for what two of them ran", s.Lost)
				}
			})
		}
	}
}
