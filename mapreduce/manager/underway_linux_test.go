package manager

import (
	"context"
	"errors"
	"testing"
	"time"

	"mrrun/mapreduce"
	"mrrun/transport"
)

var (
	addOne = mapreduce.FuncContext(func(ctx context.Context, v *Value[int]) (int, error) {
		defer v.Close()
		return v.Add(ctx, 1)
	})
	remoteAddOne = PoolTask("test add one", addOne)
	addOneThere  = Func("test add one", func(ctx context.Context, v *Value[int]) (int, error) {
		defer v.Close()
		return v.Add(ctx, 1)
	})
)

// makeValue makes a value whose maker ends at once.
var makeValue = mapreduce.FuncContext(func(ctx context.Context, address string) (*Value[int], error) {
	c, err := Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	return NewValue(ctx, c, 41)
})

var addOneFrom = mapreduce.FuncContext(func(ctx context.Context, q *transport.Queue[*Value[int]]) (int, error) {
	v, err := q.Get(ctx)
	if err != nil {
		return 0, err
	}
	defer v.Close()
	return v.Add(ctx, 1)
})

// serveHere runs a server that the test can inspect, and returns it with a client.
func serveHere(t *testing.T) (*Server, *Client) {
	l, srv := must1(ListenLocal()), NewServer()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- srv.Serve(ctx, l) }()
	c := must1(Dial(ctx, Address(l)))
	t.Cleanup(func() {
		check(t, c.Close())
		stop()
		check(t, <-served)
	})
	return srv, c
}

// A proxy that is under way keeps its object, even if the sender closes its own proxy at once. The
// object goes when the receiver has closed its proxy, too.
func TestProxyUnderWay(t *testing.T) {
	srv, c := serveHere(t)
	ctx := within(t)
	pool := must1(mapreduce.NewPool(ctx, mapreduce.Procs(1)))
	defer pool.Close()
	remotePool := must1(NewPool(ctx, c, 1))
	left := func(what string, want int) {
		t.Helper()
		n := -1
		for ; n != want && ctx.Err() == nil; time.Sleep(time.Millisecond) {
			srv.mu.Lock()
			n = len(srv.objects)
			srv.mu.Unlock()
		}
		equal(t, what+": objects", n, want)
	}
	sent := func(send func(*Value[int])) {
		t.Helper()
		v := must1(NewValue(ctx, c, 41))
		send(v)
		check(t, v.Close())
	}

	var p *mapreduce.Process[int]
	sent(func(v *Value[int]) { p = must1(addOne.Start(ctx, v)) })
	equal(t, "argument of Start", must1(p.Wait()), 42)
	left("argument of Start", 1)

	var f *mapreduce.Future[int]
	sent(func(v *Value[int]) { f = remoteAddOne.ApplyAsync(ctx, remotePool, v) })
	equal(t, "argument of a manager's pool", must1(f.Get(ctx)), 42)
	left("argument of a manager's pool", 1)

	var many *mapreduce.Future[[]int]
	sent(func(v *Value[int]) { many = addOne.MapAsync(ctx, pool, []*Value[int]{v, v, v}, mapreduce.Chunksize(1)) })
	equal(t, "arguments of a pool", must1(many.Get(ctx))[2], 44)
	left("arguments of a pool", 1)

	a, b, err := transport.Pipe[*Value[int]]()
	check(t, err)
	defer a.Close()
	defer b.Close()
	sent(func(v *Value[int]) { check(t, a.Send(v)) })
	got := must1(b.Recv())
	equal(t, "through a pipe", must1(got.Add(ctx, 1)), 42)
	check(t, got.Close())
	left("through a pipe", 1)

	q := must1(transport.NewQueue[*Value[int]](1))
	sent(func(v *Value[int]) { check(t, q.Put(ctx, v)) })
	equal(t, "through a queue", must1(addOneFrom.Apply(ctx, pool, q)), 42)
	left("through a queue", 1)

	mq := must1(NewQueue[*Value[int]](ctx, c, 1))
	sent(func(v *Value[int]) { check(t, mq.Put(ctx, v)) })
	got = must1(mq.Get(ctx))
	equal(t, "through a manager's queue", must1(got.Add(ctx, 1)), 42)
	check(t, errors.Join(got.Close(), mq.Free()))
	left("through a manager's queue", 1)

	d := must1(NewDict[int, *Value[int]](ctx, c))
	sent(func(v *Value[int]) { check(t, d.Set(ctx, 0, v)) })
	got, _, err = d.Get(ctx, 0)
	check(t, errors.Join(err, d.Clear(ctx)))
	equal(t, "as a value that has gone", must1(got.Add(ctx, 1)), 42)
	check(t, errors.Join(got.Close(), d.Close()))
	left("as a value that has gone", 1)

	sent(func(v *Value[int]) {
		ended := make(chan int)
		go func() { ended <- must1(addOneThere.Call(ctx, c, v)) }()
		equal(t, "argument of a function", <-ended, 42)
	})
	left("argument of a function", 1)

	got = must1(must1(makeValue.Start(ctx, c.address)).Wait())
	equal(t, "answer of a process that has ended", must1(got.Add(ctx, 1)), 42)
	check(t, got.Close())
	left("answer of a process that has ended", 1)
}

// A proxy that never arrives keeps its object for a time after the sender has closed its own proxy,
// but not for ever.
func TestProxyThatNeverArrives(t *testing.T) {
	srv, c := serveHere(t)
	srv.o.underWay = 100 * time.Millisecond
	ctx := within(t)
	a, b, err := transport.Pipe[*Event]()
	check(t, err)
	defer a.Close()
	defer b.Close()
	e := must1(NewEvent(ctx, c))
	check(t, a.Send(e))
	time.Sleep(2 * srv.o.underWay) // the sender still has it
	equal(t, "while the sender has it", must1(e.IsSet(ctx)), false)
	check(t, e.Close())
	objects, travels := 1, 1
	for (objects > 0 || travels > 0) && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
		srv.mu.Lock()
		objects, travels = len(srv.objects), len(srv.travels)
		srv.mu.Unlock()
	}
	_, err = must1(b.Recv()).IsSet(ctx)
	wants(t, "too late", err, ErrNoObject)
}
