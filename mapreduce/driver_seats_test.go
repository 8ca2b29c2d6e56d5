//go:build linux

package mapreduce

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// Recycling after n items loses no item and blames none.
func TestMaxTasksPerWorker(t *testing.T) {
	checkLeaks(t)
	for _, most := range []int{1, 3, 20} {
		for _, size := range []int{1, 2, 7, 0} {
			t.Run(fmt.Sprintf("%d, chunk size %d", most, size), func(t *testing.T) {
				p := newPool(t, MaxTasksPerWorker(most), Chunksize(size), silent())
				got, err := deedTask.Map(t.Context(), p, deeds("", 40, "", 0))
				if err != nil {
					t.Fatal(err)
				}
				checkTraces(t, got, nil)
				ran := make(map[int]int)
				for _, r := range got {
					ran[r.PID]++
				}
				for pid, n := range ran {
					if n > most {
						t.Errorf("worker %d ran %d items, want %d at most", pid, n, most)
					}
				}
				if s := p.Stats(); s.Lost != 0 || s.Retried != 0 || s.Sent != 40 {
					t.Errorf("%+v", s)
				}
			})
		}
	}
}

var hoard [][]byte

var hoardTask = Func(func(bytes int) int {
	more := make([]byte, bytes)
	for i := range more {
		more[i] = 1
	}
	hoard = append(hoard, more)
	return os.Getpid()
})

// A worker that has grown is replaced, and no item is lost.
func TestMaxGrowth(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(1), MaxGrowth(32<<20), silent())
	first := 0
	eventually(t, hangTime, func() error {
		time.Sleep(20 * time.Millisecond) // memory is checked ten times a second
		pid, err := hoardTask.Apply(t.Context(), p, 4<<20)
		if err != nil {
			t.Fatal(err)
		}
		if first == 0 {
			first = pid
		}
		if pid == first {
			return errors.New("it is not replaced")
		}
		return nil
	})
	if s := p.Stats(); s.Recycled == 0 || s.Lost != 0 || s.Retried != 0 {
		t.Errorf("%+v", s)
	}
}

// A spare, which was started before, replaces a worker that was lost or recycled.
func TestSpares(t *testing.T) {
	checkLeaks(t)
	for _, test := range []struct {
		name    string
		options []PoolOption
		do      string
	}{
		{"lost", nil, "SIGKILL"},
		{"recycled", []PoolOption{MaxTasksPerWorker(1)}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			options := append(test.options, Procs(1), Spares(1), stateOf.Initializer(stateOrder{Dir: dir}), silent())
			p := newPool(t, options...)
			awaitStarted(t, dir, 2)
			time.Sleep(50 * time.Millisecond) // until the driver notices
			before := started(t, dir)
			first, err := deedTask.Apply(t.Context(), p, deed{})
			if err != nil {
				t.Fatal(err)
			}
			next, err := deedTask.Apply(t.Context(), p, deed{Do: test.do, Times: 1})
			if err != nil {
				t.Fatal(err)
			}
			if next.PID == first.PID || !slices.Contains(before, next.PID) {
				t.Errorf("worker %d after %d, and not the spare of %v", next.PID, first.PID, before)
			}
			awaitStarted(t, dir, 3) // wait for the next spare
		})
	}
}

// The number of workers may change while they work.
func TestResizeUnderLoad(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(2), silent())
	for _, n := range []int{0, -1, MaxProcs + 1} {
		if err := p.Resize(n); err == nil {
			t.Errorf("Resize(%d) is accepted", n)
		}
	}
	sizes := map[int]int{200: 4, 600: 1, 1000: 3, 1010: 1, 1020: 4, 1400: 2}
	i := 0
	for got, err := range deedTask.Imap(t.Context(), p, slices.Values(deeds("", 2000, "", 0)), Chunksize(3)) {
		if err != nil || got.N != i || got.Attempt != 1 {
			t.Fatalf("item %d: %+v, %v", i, got, err)
		}
		if n := sizes[i]; n > 0 {
			if err := p.Resize(n); err != nil {
				t.Error(err)
			}
		}
		i++
	}
	if i != 2000 {
		t.Errorf("%d results", i)
	}
	for _, n := range []int{3, 1, 2} {
		if err := p.Resize(n); err != nil {
			t.Error(err)
		}
		awaitWorkers(t, p, n)
		checkUsable(t, p)
	}
	// Resize more often than workers can start.
	for k := range 40 {
		if err := p.Resize(1 + k%4); err != nil {
			t.Error(err)
		}
		if k%5 == 0 {
			checkUsable(t, p)
		}
		time.Sleep(time.Duration(k%7) * 300 * time.Microsecond)
	}
	awaitWorkers(t, p, 4)
	checkUsable(t, p)
	if s := p.Stats(); s.Lost != 0 || s.Retried != 0 {
		t.Errorf("%+v", s)
	}
}

// awaitWorkers waits until the pool has n processes.
func awaitWorkers(t *testing.T, p *Pool, n int) {
	t.Helper()
	eventually(t, hangTime, func() error {
		if now, all := p.Workers(), children(os.Getpid()); len(now) != n || len(all) != n {
			return fmt.Errorf("want %d workers: %v, child processes %v", n, now, all)
		}
		return nil
	})
}

func TestIdleTimeout(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, IdleTimeout(50*time.Millisecond), silent())
	for range 3 {
		checkUsable(t, p)
		awaitWorkers(t, p, 0)
	}
	// A call that takes longer keeps its workers.
	if _, err := deedTask.Map(t.Context(), p, deeds("", 4, "sleep", 1000, 0, 1)); err != nil {
		t.Error(err)
	}
	if s := p.Stats(); s.Lost != 0 || s.Retried != 0 {
		t.Errorf("%+v", s)
	}
}
