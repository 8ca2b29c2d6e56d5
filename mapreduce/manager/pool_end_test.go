package manager

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"mrrun/mapreduce"
)

var callAndWait = mapreduce.FuncContext(func(ctx context.Context, c poolCall) (int, error) {
	return remoteWait.Apply(ctx, c.Pool, c.Waiting)
})

type poolCall struct {
	Pool    *Pool
	Waiting waiting
}

// When a client is killed, the calls that it has begun are cancelled, and when the last client has
// gone the workers end.
func TestPoolClientKilled(t *testing.T) {
	ctx := within(t)
	m := must1(Start(ctx))
	defer m.Close()
	for _, alone := range []bool{false, true} {
		p, w := must1(NewPool(ctx, m, 1)), newWaiting(ctx, m)
		client := must1(callAndWait.Start(ctx, poolCall{p, w}))
		worker := must1(w.Runs.Get(ctx))
		if alone {
			must1(NewDict[string, *Pool](ctx, m)).Set(ctx, "pool", p) // so that the pool stays without a client that uses it
			check(t, p.Close())
		}
		check(t, client.Kill())
		if _, err := client.Wait(); err == nil {
			t.Error("the client was not killed")
		}
		if alone {
			awaitEnd(t, worker)
			continue
		}
		check(t, w.Ended.Wait(ctx))
		equal(t, "worker", must1(remoteDie.Apply(ctx, p, 0)), worker)
		check(t, p.Close())
		equal(t, "it has ended", syscall.Kill(worker, 0), error(syscall.ESRCH))
	}
}

// awaitEnd waits until a process has ended that is not a child of this one. The process that should
// reap it may take its time.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	for ctx := within(t); ; time.Sleep(time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		check(t, context.Cause(ctx))
	}
}

// Close ends the workers of a pool that no other client uses, whatever else this client waits for;
// a later use starts new ones.
func TestPoolCloseAndUse(t *testing.T) {
	c := serve(t)()
	ctx := within(t)
	p, again := must1(NewPool(ctx, c, 1, Named("pool"))), must1(NewPool(ctx, c, 1, Named("pool")))
	w := newWaiting(ctx, c)
	begun := mapreduce.Go(ctx, func(ctx context.Context) (int, error) { return must1(NewQueue[int](ctx, c, 1)).Get(ctx) })
	call := remoteWait.ApplyAsync(ctx, p, w)
	worker := must1(w.Runs.Get(ctx))
	check(t, p.Close())
	check(t, p.Close())
	equal(t, "it runs", syscall.Kill(worker, 0), nil)
	check(t, again.Close())
	equal(t, "it has ended", syscall.Kill(worker, 0), error(syscall.ESRCH))
	_, err := call.Get(ctx)
	wants(t, "its call", err, mapreduce.ErrClosed)
	last := must1(NewPool(ctx, c, 1, Named("pool")))
	equal(t, "another worker", must1(remoteDie.Apply(ctx, last, 0)) != worker, true)
	begun.Cancel()
	_, err = begun.Get(ctx)
	wants(t, "the wait", err, mapreduce.ErrCanceled)
}

// ClosePool waits for the calls of all clients, Terminate for none.
func TestPoolEndsForAll(t *testing.T) {
	dial := serve(t)
	a, b := dial(), dial()
	ctx := within(t)
	p, other := must1(NewPool(ctx, a, 1, Named("pool"))), must1(NewPool(ctx, b, 1, Named("pool")))
	w := newWaiting(ctx, a)
	call := remoteWait.ApplyAsync(ctx, p, w)
	worker := must1(w.Runs.Get(ctx))
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	wants(t, "close", other.ClosePool(short), context.DeadlineExceeded)
	_, err := remoteHalve.Apply(ctx, p, 8)
	wants(t, "later call", err, mapreduce.ErrClosed)
	equal(t, "it runs", call.Ready(), false)
	check(t, other.Terminate(ctx))
	_, err = call.Get(ctx)
	wants(t, "call", err, mapreduce.ErrClosed)
	equal(t, "it has ended", syscall.Kill(worker, 0), error(syscall.ESRCH))
	check(t, p.ClosePool(ctx))
}

func TestPoolManagerKilled(t *testing.T) {
	ctx := within(t)
	m := must1(Start(ctx))
	defer m.Close()
	p, w := must1(NewPool(ctx, m, 1)), newWaiting(ctx, m)
	call := remoteWait.ApplyAsync(ctx, p, w)
	worker := must1(w.Runs.Get(ctx))
	check(t, syscall.Kill(m.PID(), syscall.SIGKILL))
	_, err := call.Get(ctx)
	wants(t, "call", err, ErrLost)
	awaitEnd(t, worker)
}

// A client that leaves a pool whose workers are starting, or ending, goes on with its other
// objects.
func TestPoolLeaveDoesNotBlock(t *testing.T) {
	srv := NewServer()
	c := serveBy(t, srv)()
	ctx := within(t)
	p := must1(NewPool(ctx, c, 1))
	e := must1(NewEvent(ctx, c))
	pool := srv.hold(p.id)
	defer srv.drop(pool)
	o := pool.object.(*poolObject)
	workers := o.pool
	func() {
		o.busy.Lock() // as while another client's use starts workers
		defer o.busy.Unlock()
		if err := p.proxy.Close(); err != nil {
			t.Error(err)
		}
		if err := e.Set(ctx); err != nil {
			t.Errorf("a call after the end of the use: %v", err)
		}
	}()
	for len(workers.Workers()) > 0 {
		if ctx.Err() != nil {
			t.Fatal("the workers of a pool that no client uses go on")
		}
		time.Sleep(time.Millisecond)
	}
}
