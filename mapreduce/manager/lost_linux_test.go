package manager

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"mrrun/mapreduce"
)

var sleep = Func("test sleep", func(ctx context.Context, _ int) (int, error) { <-ctx.Done(); return 0, ctx.Err() })

// A plight is one client's view of objects that never give it what it waits for.
type plight struct {
	c     Conn
	held  *Lock
	rlock *RLock
	cond  *Cond
	none  *Semaphore
	never *Event
	alone *Barrier
	empty *Queue[int]
	full  *Queue[int]
	bank  *Object[*account]
	sums  *Dict[int, int]
}

func newPlight(ctx context.Context, c Conn) plight {
	return plight{
		c: c, held: must1(NewLock(ctx, c, Named("held"))), rlock: must1(NewRLock(ctx, c, Named("rlock"))),
		cond: must1(NewCond(ctx, must1(NewLock(ctx, c, Named("cond"))))), none: must1(NewSemaphore(ctx, c, 0, Named("none"))),
		never: must1(NewEvent(ctx, c, Named("never"))), alone: must1(NewBarrier(ctx, c, 1000, Named("alone"))),
		empty: must1(NewQueue[int](ctx, c, 1, Named("empty"))), full: must1(NewQueue[int](ctx, c, 1, Named("full"))),
		bank: must1(accounts.New(ctx, c, Named("bank"))), sums: must1(NewDict[int, int](ctx, c, Named("sums"))),
	}
}

// cause takes what the others then wait for.
func (p plight) cause(ctx context.Context) error {
	return errors.Join(p.held.Lock(ctx), p.rlock.Lock(ctx), p.full.Put(ctx, 1))
}

// waits returns calls that do not return by themselves.
func (p plight) waits() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"lock":      p.held.Lock,
		"rlock":     p.rlock.Lock,
		"semaphore": p.none.Acquire,
		"event":     p.never.Wait,
		"barrier":   func(ctx context.Context) error { _, err := p.alone.Wait(ctx); return err },
		"get":       func(ctx context.Context) error { _, err := p.empty.Get(ctx); return err },
		"put":       func(ctx context.Context) error { return p.full.Put(ctx, 2) },
		"join":      p.full.Join,
		"method":    func(ctx context.Context) error { _, err := Call[struct{}](ctx, p.bank, "Wait"); return err },
		"func":      func(ctx context.Context) error { _, err := sleep.Call(ctx, p.c, 0); return err },
		"cond": func(ctx context.Context) error {
			if err := p.cond.Lock().Lock(ctx); err != nil {
				return err
			}
			return p.cond.Wait(ctx)
		},
	}
}

const (
	waitsOfEach  = 11 // the number of waits of a plight
	addersOfEach = 50 // the number of goroutines of a client that make one call after the other
)

// suffer makes all calls of p until the manager is lost, and returns what is wrong with how they
// end.
func (p plight) suffer(ctx context.Context) (wrong []string) {
	var all sync.WaitGroup
	var mu sync.Mutex
	run := func(name string, f func(context.Context) error) {
		all.Go(func() {
			if err := f(ctx); !errors.Is(err, ErrLost) {
				mu.Lock()
				defer mu.Unlock()
				wrong = append(wrong, fmt.Sprintf("%s: %v", name, err))
			}
		})
	}
	for name, f := range p.waits() {
		run(name, f)
	}
	for i := range addersOfEach {
		run(fmt.Sprint("pipelined ", i), func(ctx context.Context) error {
			for {
				if _, err := p.sums.Add(ctx, i, 1); err != nil {
					return err
				}
			}
		})
	}
	all.Wait()
	return wrong
}

// sufferApart is suffer in a process of its own.
var sufferApart = mapreduce.FuncContext(func(ctx context.Context, address string) ([]string, error) {
	c, err := Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return newPlight(ctx, c).suffer(ctx), nil
})

// TestManagerKilled kills the manager while calls of all kinds are under way, from clients in this
// process and in others.
func TestManagerKilled(t *testing.T) {
	const here, apart = 2, 2
	ctx := within(t)
	m := must1(Start(ctx))
	defer m.Close()
	equal(t, "waits", len(plight{}.waits()), waitsOfEach)
	mine := newPlight(ctx, m)
	check(t, mine.cause(ctx))
	before := must1(takeCensus.Call(ctx, m, struct{}{}))

	var all sync.WaitGroup
	for range here {
		all.Go(func() {
			c := must1(Dial(ctx, m.Address()))
			defer c.Close()
			for _, wrong := range newPlight(ctx, c).suffer(ctx) {
				t.Error("here:", wrong)
			}
		})
	}
	var others []*mapreduce.Process[[]string]
	for range apart {
		others = append(others, must1(sufferApart.Start(ctx, m.Address())))
	}
	for must1(takeCensus.Call(ctx, m, struct{}{})).Goroutines < before.Goroutines+(here+apart)*waitsOfEach {
		time.Sleep(time.Millisecond)
	}

	killed := time.Now()
	check(t, syscall.Kill(m.PID(), syscall.SIGKILL))
	all.Wait()
	for _, p := range others {
		result, err := p.Wait()
		check(t, err)
		for _, wrong := range result {
			t.Error("apart:", wrong)
		}
	}
	t.Logf("%d calls have ended %v after the kill", (here+apart)*(waitsOfEach+addersOfEach), time.Since(killed))

	for name, f := range mine.waits() {
		wants(t, "later: "+name, f(ctx), ErrLost)
	}
	mine.held.Unlock() // does nothing: the manager is lost
	wants(t, "close", mine.sums.Close(), ErrLost)
	_, err := NewLock(ctx, m)
	wants(t, "new", err, ErrLost)
	_, err = Dial(ctx, m.Address())
	equal(t, "nobody answers a dial", err != nil, true)
	for m.PID() != 0 && ctx.Err() == nil { // until the pool has noticed its end
		time.Sleep(time.Millisecond)
	}
	equal(t, "process", m.PID(), 0)
}

// A manager has nothing in the file system that could remain when it is killed.
func TestManagerHasNoFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	m := must1(Start(within(t)))
	defer m.Close()
	if files := must1(os.ReadDir(dir)); len(files) > 0 {
		t.Errorf("there is %v", files)
	}
}

// An interrupt is for the driver: a manager's process that gets it, too, as by Ctrl-C, goes on
// until the driver ends it.
func TestManagerIsNotInterrupted(t *testing.T) {
	ctx := within(t)
	m := must1(Start(ctx))
	defer m.Close()
	v := must1(NewValue(ctx, m, 1))
	for range 10 {
		check(t, syscall.Kill(m.PID(), syscall.SIGINT))
		must1(v.Add(ctx, 1))
	}
	equal(t, "sum", must1(v.Load(ctx)), 11)
}
