package shared

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"regexp"
	"sync"
	"testing"
	"time"

	"mrrun/internal/shm"
)

// A safeBuffer may be written and read at the same time.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// captureLog directs the log into a buffer while the test runs.
func captureLog(t *testing.T) *safeBuffer {
	var b safeBuffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, nil)))
	t.Cleanup(func() { slog.SetDefault(old) })
	return &b
}

// lockRing makes a ring of n processes, each of which holds one lock, and returns each process's
// views of all the locks.
func lockRing(t *testing.T, n int) (locks [][]*Lock) {
	_, process := simulate(t)
	first := make([]*Lock, n)
	for i := range first {
		l, err := newLock(process())
		if err != nil {
			t.Fatal(err)
		}
		first[i] = l
	}
	for i := range n {
		var own []*Lock
		for _, l := range first {
			own = append(own, had(first[i].p, l.o).lock())
		}
		locks = append(locks, own)
	}
	return locks
}

func TestDeadlockIsReported(t *testing.T) {
	for _, n := range []int{2, 3, 5} {
		log := captureLog(t)
		locks := lockRing(t, n)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range n {
			if err := locks[i][i].Lock(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for i := range n {
			all.Go(func() {
				if err := locks[i][(i+1)%n].Lock(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("process %d got the lock: %v", i, err)
				}
			})
		}
		want := regexp.MustCompile(`deadlock: .*deadlock_linux_test.go:\d+ for Lock \d+, which process \d+ holds; `)
		awaitReport(t, log, want)
		time.Sleep(3 * shm.Slice) // time in which it could be reported again
		cancel()
		all.Wait()
		if got := bytes.Count([]byte(log.String()), []byte("deadlock: ")); got != 1 {
			t.Errorf("%d processes: %d reports, want 1:\n%s", n, got, log)
		}
	}
}

// A cycle is found even if its processes wait for other things in other goroutines, too, and if it
// goes through the lock of a Value.
func TestDeadlockOfBusyProcesses(t *testing.T) {
	log := captureLog(t)
	locks := lockRing(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	value, err := newValue(locks[0][0].p, 0)
	if err != nil {
		t.Fatal(err)
	}
	ofOther := had(locks[1][1].p, value.o).lock()
	for _, l := range []*Lock{locks[0][0], ofOther, locks[2][2]} {
		if err := l.Lock(ctx); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for _, l := range []*Lock{value.Lock(), locks[1][0]} {
		all.Go(func() { _ = l.Lock(ctx) })
	}
	here := func(ctx context.Context) { _ = locks[0][2].Lock(ctx) }
	there := func(ctx context.Context) { _ = locks[0][2].Lock(ctx) }
	all.Go(func() {
		for ctx.Err() == nil {
			soon, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			here(soon)
			cancel()
			here, there = there, here
		}
	})
	want := regexp.MustCompile(`deadlock: .* for Value \d+, which process \d+ holds; .* for Lock \d+, which process \d+ holds`)
	awaitReport(t, log, want)
	cancel()
	all.Wait()
}

// awaitReport waits until the log contains a report.
func awaitReport(t *testing.T, log *safeBuffer, want *regexp.Regexp) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !want.MatchString(log.String()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no report:\n%s", log)
		}
	}
}

// A long wait is not a deadlock, and neither is a chain without a cycle.
func TestNoDeadlock(t *testing.T) {
	log := captureLog(t)
	locks := lockRing(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	for i := range 3 {
		if err := locks[i][i].Lock(ctx); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for i := range 2 {
		all.Go(func() { _ = locks[i][i+1].Lock(ctx) })
	}
	time.Sleep(6 * shm.Slice)
	cancel()
	all.Wait()
	if log.String() != "" {
		t.Errorf("reported:\n%s", log)
	}
}
