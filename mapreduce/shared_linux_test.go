package mapreduce

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mrrun/shared"
	"mrrun/transport"
)

// early is made in every process, before it knows whose worker it is.
var early, earlyErr = shared.NewValue(1)

var earlyText = Func(func(int) string {
	if earlyErr == nil {
		return "it was made"
	}
	return earlyErr.Error()
})

// A shared object that belongs to no tree, because it is made too early, is refused in a worker; it
// does not silently differ from the driver's.
func TestSharedObjectInPackageVariable(t *testing.T) {
	if earlyErr != nil || early.Load() != 1 {
		t.Fatalf("in the driver: %v", earlyErr)
	}
	got, err := earlyText.Apply(t.Context(), newPool(t), 0)
	if err != nil || !strings.Contains(got, "not in package variables") {
		t.Errorf("in a worker: %q, %v", got, err)
	}
}

// A sharing is the argument of tasks that share.
type sharing struct {
	Lock  *shared.Lock
	RLock *shared.RLock
	Count *shared.Array[int]
	Die   bool
	Depth int
}

func newSharing(t *testing.T) sharing {
	t.Helper()
	s, err := sharing{}, error(nil)
	check := func(e error) {
		if e != nil {
			t.Fatal(e)
		}
	}
	s.Lock, err = shared.NewLock()
	check(err)
	s.RLock, err = shared.NewRLock()
	check(err)
	s.Count, err = shared.NewArray[int](1)
	check(err)
	t.Cleanup(func() {
		check(errors.Join(s.Lock.Close(), s.RLock.Close(), s.Count.Close()))
	})
	return s
}

// countUp adds 1 to the count a thousand times under the lock, itself or in the workers of a pool
// of its own.
var countUp *Task[sharing, int]

func init() {
	countUp = FuncContext(func(ctx context.Context, s sharing) (int, error) {
		if s.Depth > 0 {
			s.Depth--
			return 0, inPoolOfTwo(ctx, func(p *Pool) error {
				_, err := countUp.Map(ctx, p, []sharing{s, s}, Chunksize(1))
				return err
			})
		}
		for range 1000 {
			if err := s.Lock.Lock(ctx); err != nil {
				return 0, err
			}
			if s.Die {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
			s.Count.Set(0, s.Count.At(0)+1)
			s.Lock.Unlock()
		}
		return 0, nil
	})
}

func inPoolOfTwo(ctx context.Context, f func(*Pool) error) error {
	p, err := NewPool(ctx, Procs(2))
	if err != nil {
		return err
	}
	return errors.Join(f(p), p.Close())
}

func TestSharedByNestedPools(t *testing.T) {
	s := newSharing(t)
	s.Depth = 1
	p := newPool(t)
	if _, err := countUp.Map(t.Context(), p, []sharing{s, s, s}, Chunksize(1)); err != nil {
		t.Fatal(err)
	}
	if n := s.Count.At(0); n != 6000 {
		t.Errorf("6,000 additions under a lock make %d", n)
	}
}

// A worker that dies with a lock leaves it to the next holder, which gets an error; the driver can
// tell that error from others.
func TestLockOfKilledWorker(t *testing.T) {
	checkLeaks(t)
	s := newSharing(t)
	p := newPool(t, silent(), Retries(0))
	dying := s
	dying.Die = true
	if _, err := countUp.Apply(t.Context(), p, dying); err == nil {
		t.Fatal("the worker lives")
	}
	if _, err := countUp.Apply(t.Context(), p, s); !errors.Is(err, shared.ErrOwnerDied) {
		t.Fatalf("the next one gets %v", err)
	}
	// This worker returned with the lock and lives: Close ends it, and the lock is free again.
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Lock.Lock(t.Context()); !errors.Is(err, shared.ErrOwnerDied) {
		t.Fatalf("when both are gone: %v", err)
	}
	s.Lock.MarkConsistent()
	s.Lock.Unlock()
}

var enterTwice = FuncContext(func(ctx context.Context, s sharing) (int, error) {
	for range 2 {
		if err := s.RLock.Lock(ctx); err != nil {
			return 0, err
		}
	}
	n := s.Count.At(0)
	s.Count.Set(0, n+1)
	return n, errors.Join(s.RLock.Unlock(ctx), s.RLock.Unlock(ctx))
})

// Each task is a separate holder, even if several run in one process.
func TestRLockBelongsToItem(t *testing.T) {
	for name, options := range map[string][]PoolOption{"processes": nil, "goroutines": {InProcess()}} {
		t.Run(name, func(t *testing.T) {
			s := newSharing(t)
			args := make([]sharing, 200)
			for i := range args {
				args[i] = s
			}
			p := newPool(t, append(options, Procs(4))...)
			if _, err := enterTwice.Map(t.Context(), p, args, Chunksize(1)); err != nil {
				t.Fatal(err)
			}
			if n := s.Count.At(0); n != 200 {
				t.Errorf("200 additions make %d", n)
			}
		})
	}
}

// arraysMapped returns how many arrays a worker has mapped.
var arraysMapped = Func(func(a *shared.Array[int]) int {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return -1
	}
	n := 0
	for line := range bytes.Lines(maps) {
		if bytes.Contains(line, []byte("/memfd:mrrun ")) && !bytes.Contains(line, []byte(" 00000000 ")) { // behind the table
			n++
		}
	}
	return n
})

// A worker unmaps arrays that the driver has closed.
func TestArraysAreUnmapped(t *testing.T) {
	p := newPool(t, Procs(1))
	for range 20 {
		a, err := shared.NewArray[int](1000)
		if err != nil {
			t.Fatal(err)
		}
		n, err := arraysMapped.Apply(t.Context(), p, a)
		if err != nil || n < 1 || n > 2 { // the previous one may stay until the worker is idle
			t.Fatalf("%d arrays are mapped, %v", n, err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

var newCounts = Func(func(n int) *shared.Array[int] {
	a, err := shared.NewArray[int](n)
	if err != nil {
		panic(err)
	}
	return a
})

// What the driver was given stays mapped in it, whatever those of its goroutines do that are
// workers.
func TestArrayOfWorkerStaysInDriver(t *testing.T) {
	p := newPool(t)
	a, err := newCounts.Apply(t.Context(), p, 1000)
	if err != nil {
		t.Fatal(err)
	}
	counts := a.Slice()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	checkUsable(t, newPool(t, InProcess()))
	for i := range counts {
		counts[i]++
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// WaitAny waits for processes and pipes together.
func TestWaitAnyOfPipes(t *testing.T) {
	checkLeaks(t)
	a, b, err := transport.Pipe[int]()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	long := startCling(t, t.Context(), "stays")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if got, err := WaitAny[Waiter](ctx, long, b.Arrival()); got != nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("of none that is ready: %v, %v", got, err)
	}
	time.AfterFunc(10*time.Millisecond, func() { _ = a.Send(1) })
	if got, err := WaitAny[Waiter](t.Context(), long, b.Arrival()); err != nil || !slices.Equal(got, []int{1}) {
		t.Errorf("of a pipe with a value: %v, %v", got, err)
	}
	if n, err := b.Recv(); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	_ = long.Kill()
	<-long.Done()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if got, err := WaitAny[Waiter](t.Context(), long, b.Arrival()); err != nil || !slices.Equal(got, []int{0, 1}) {
		t.Errorf("of both: %v, %v", got, err)
	}
}
