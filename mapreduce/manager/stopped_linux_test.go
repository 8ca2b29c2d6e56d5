package manager

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mrrun/shared"
)

// A stoppable is a manager in a process of its own.
type stoppable struct {
	pid  int
	dial func(context.Context) (*Client, error)
}

// onStoppable runs a test with a manager that can be stopped, locally and over TLS.
func onStoppable(t *testing.T, test func(*testing.T, stoppable)) {
	t.Run("local", func(t *testing.T) {
		m := must1(Start(within(t)))
		defer m.Close()
		test(t, stoppable{m.PID(), func(ctx context.Context) (*Client, error) { return Dial(ctx, m.Address()) }})
	})
	t.Run("remote", func(t *testing.T) {
		key := NewKey()
		p := must1(play(t, "patient server", key, nil))
		p.say("127.0.0.1:0")
		address := p.hear("remote")
		p.hear("local")
		test(t, stoppable{p.cmd.Process.Pid, func(ctx context.Context) (*Client, error) {
			return DialRemote(ctx, "tcp", address, key)
		}})
	})
}

// client returns a client that is closed at the end of the test.
func (s stoppable) client(t *testing.T) *Client {
	c := must1(s.dial(within(t)))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// stop stops the manager until the test ends or goOn is called.
func (s stoppable) stop(t *testing.T) (goOn func()) {
	check(t, syscall.Kill(s.pid, syscall.SIGSTOP))
	for running := true; running; { // a thread may run a little before it sees the signal
		running = false
		for _, thread := range must1(filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.pid))) {
			stat, _ := os.ReadFile(thread)
			_, state, _ := strings.Cut(string(stat), ") ")
			running = running || !strings.HasPrefix(state, "T")
		}
	}
	goOn = sync.OnceFunc(func() { _ = syscall.Kill(s.pid, syscall.SIGCONT) })
	t.Cleanup(goOn)
	return goOn
}

// promptly fails the test if f takes much longer than its ctx allows.
func promptly(t *testing.T, what string, f func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := f(ctx)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("%s: it takes %v: %v", what, took, err)
	}
	return err
}

// While a manager is stopped no call lasts longer than its ctx. What such a call would have given
// its caller to hold is not held when the manager goes on.
func TestCtxBoundsCallsOfAStoppedManager(t *testing.T) {
	onStoppable(t, func(t *testing.T, s stoppable) {
		ctx, c, other := within(t), s.client(t), s.client(t)
		dict, list := must1(NewDict[string, int](ctx, c)), must1(NewList(ctx, c, []int{1}))
		value, array := must1(NewValue(ctx, c, 1)), must1(NewArray[int](ctx, c, 1))
		queue, full := must1(NewQueue[int](ctx, c, 3, Named("queue"))), must1(NewQueue[int](ctx, c, 1))
		lock, rlock := must1(NewLock(ctx, c, Named("lock"))), must1(NewRLock(ctx, c, Named("rlock")))
		permits, event := must1(NewBoundedSemaphore(ctx, c, 2, Named("permits"))), must1(NewEvent(ctx, c))
		barrier, bank := must1(NewBarrier(ctx, c, 2)), must1(accounts.New(ctx, c))
		pool, held := must1(NewPool(ctx, c, 1)), must1(NewLock(ctx, c))
		check(t, errors.Join(queue.Put(ctx, 7), queue.Put(ctx, 8), full.Put(ctx, 1), held.Lock(ctx)))

		goOn := s.stop(t)
		second := func(_ any, err error) error { return err }
		third := func(_ any, _ bool, err error) error { return err }
		var all sync.WaitGroup
		for what, f := range map[string]func(context.Context) error{
			"Dict.Set":           func(ctx context.Context) error { return dict.Set(ctx, "k", 1) },
			"Dict.Get":           func(ctx context.Context) error { return third(dict.Get(ctx, "k")) },
			"Dict.Items":         func(ctx context.Context) error { return second(dict.Items(ctx)) },
			"List.Pop":           func(ctx context.Context) error { return second(list.Pop(ctx, 0)) },
			"Value.Add":          func(ctx context.Context) error { return second(value.Add(ctx, 1)) },
			"Array.At":           func(ctx context.Context) error { return second(array.At(ctx, 0)) },
			"Queue.Get":          func(ctx context.Context) error { return second(queue.Get(ctx)) },
			"Queue.TryGet":       func(ctx context.Context) error { return third(queue.TryGet(ctx)) },
			"Queue.Put":          func(ctx context.Context) error { return full.Put(ctx, 2) },
			"Queue.Join":         queue.Join,
			"Lock.Lock":          lock.Lock,
			"RLock.Lock":         rlock.Lock,
			"RLock.TryLock":      func(ctx context.Context) error { return second(rlock.TryLock(ctx)) },
			"Semaphore.Acquire":  permits.Acquire,
			"Semaphore.TryAcqu…": func(ctx context.Context) error { return second(permits.TryAcquire(ctx)) },
			"Event.Wait":         event.Wait,
			"Event.Set":          event.Set,
			"Barrier.Wait":       func(ctx context.Context) error { return second(barrier.Wait(ctx)) },
			"Call":               func(ctx context.Context) error { return second(Call[int](ctx, bank, "Deposit", 1)) },
			"Func.Call":          func(ctx context.Context) error { return second(upper.Call(ctx, c, "x")) },
			"RemoteTask.Map":     func(ctx context.Context) error { return second(sizeTask.Map(ctx, pool, [][]byte{nil})) },
			"Pool.ClosePool":     pool.ClosePool,
			"NewDict":            func(ctx context.Context) error { return second(NewDict[int, int](ctx, c)) },
			"NewQueue":           func(ctx context.Context) error { return second(NewQueue[int](ctx, c, 1)) },
			"NewPool":            func(ctx context.Context) error { return second(NewPool(ctx, c, 1)) },
			"a large Dict.Set":   func(ctx context.Context) error { return second(NewValue(ctx, c, make([]byte, 32<<20))) },
		} {
			all.Go(func() {
				err := promptly(t, what, f)
				if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrNoAnswer) || errors.Is(err, ErrLost) {
					t.Errorf("%s: %v", what, err)
				}
			})
		}
		for what, f := range map[string]func(context.Context) error{
			"Dict.Close":  func(context.Context) error { return dict.Close() },
			"Lock.Unlock": func(context.Context) error { held.Unlock(); return nil },
		} {
			all.Go(func() { wants(t, what, promptly(t, what, f), nil) })
		}
		for what, f := range map[string]func(context.Context) error{
			"Semaphore.Release": func(context.Context) error { return permits.Release() },
			"RLock.Unlock":      rlock.Unlock,
			"Lock.TryLock":      func(context.Context) error { return second(lock.TryLock()) },
		} {
			all.Go(func() { wants(t, what, promptly(t, what, f), ErrNoAnswer) })
		}
		all.Go(func() {
			err := promptly(t, "Dial", func(ctx context.Context) error { return second(s.dial(ctx)) })
			wants(t, "Dial", err, context.DeadlineExceeded)
		})
		all.Wait()

		goOn()
		equal(t, "the values of the queue", must1(queue.Get(ctx))+must1(queue.Get(ctx)), 7+8)
		check(t, errors.Join(
			must1(NewLock(ctx, other, Named("lock"))).Lock(ctx), must1(NewRLock(ctx, other, Named("rlock"))).Lock(ctx)))
		for range 2 {
			check(t, must1(NewBoundedSemaphore(ctx, other, 2, Named("permits"))).Acquire(ctx))
		}
	})
}

// If a cond's Wait cannot tell whether the lock is held, because its manager is stopped, the
// connection ends, and the lock is not held.
func TestCtxBoundsCondOfAStoppedManager(t *testing.T) {
	onStoppable(t, func(t *testing.T, s stoppable) {
		ctx, c := within(t), s.client(t)
		lock := must1(NewLock(ctx, c, Named("lock")))
		cond := must1(NewCond(ctx, lock))
		check(t, lock.Lock(ctx))
		goOn := s.stop(t)
		err := promptly(t, "Cond.Wait", func(ctx context.Context) error { return cond.Wait(ctx) })
		wants(t, "Cond.Wait", err, context.DeadlineExceeded)
		wants(t, "Cond.Wait", err, ErrLost)
		lock.Unlock()
		goOn()
		again := must1(NewLock(ctx, s.client(t), Named("lock")))
		if err := again.Lock(ctx); err != nil { // it was held when the connection ended
			wants(t, "the lock", err, shared.ErrOwnerDied)
		}
	})
}

// The connection to a stopped manager can be closed at once, even with much data on the way.
func TestCloseOfAStoppedManager(t *testing.T) {
	onStoppable(t, func(t *testing.T, s stoppable) {
		c := s.client(t)
		value := must1(NewValue(within(t), c, []byte(nil)))
		defer s.stop(t)() // so that its process can end
		var writing sync.WaitGroup
		for range 8 { // more data than any socket takes
			writing.Go(func() { wants(t, "Store", value.Store(within(t), make([]byte, 8<<20)), ErrLost) })
		}
		_ = promptly(t, "Store", func(ctx context.Context) error { return value.Store(ctx, make([]byte, 8<<20)) })
		wants(t, "Client.Close", promptly(t, "Client.Close", func(context.Context) error { return c.Close() }), nil)
		writing.Wait()
	})
}

// A call waits for a live manager, however late that answers after the end of ctx: the caller
// learns whether the call was done.
func TestAnswerAfterTheEndOfCtx(t *testing.T) {
	c := serve(t)()
	ctx, cancel := context.WithCancel(within(t))
	cancel()
	result, err := stubborn.Call(ctx, c, int(3*grace/time.Millisecond))
	check(t, err)
	equal(t, "answer", result, true)
}

// stubborn ignores its ctx.
var stubborn = Func("test stubborn", func(_ context.Context, ms int) (bool, error) {
	time.Sleep(time.Duration(ms) * time.Millisecond)
	return true, nil
})

// A call of a proxy waits no longer than its own ctx while another proxy dials.
func TestCtxBoundsTheFirstUseOfAProxy(t *testing.T) {
	l := must1(ListenLocal())
	defer l.Close()
	conns := make(chan net.Conn, 1)
	go func() { conns <- must1(l.Accept()) }()
	defer func() { _ = (<-conns).Close() }()
	proxies := [2]*Event{}
	for i := range proxies {
		proxies[i] = &Event{proxy{id: 1, instance: "nobody's", address: Address(l), signature: "event"}}
	}
	var first sync.WaitGroup
	dialing, cancel := context.WithCancel(within(t))
	first.Go(func() { wants(t, "the one that dials", proxies[0].Set(dialing), context.Canceled) })
	for len(known.dialing) == 0 {
		time.Sleep(time.Millisecond)
	}
	wants(t, "the other", promptly(t, "the other", proxies[1].Set), context.DeadlineExceeded)
	cancel()
	first.Wait()
}
