package manager

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"mrrun/shared"
	"mrrun/transport"
)

// A queue is what [transport.Queue] and [Queue] have in common. Methods that need no ctx, or cannot
// fail, in one of them have a ctx and an error here.
type queue interface {
	shared.Queuer[string]
	TryPut(ctx context.Context, v string) (bool, error)
	TryGet(ctx context.Context) (string, bool, error)
	Len(ctx context.Context) (int, error)
	Cap(ctx context.Context) (int, error)
	TaskDone(ctx context.Context) error
}

// A treeQueue is a queue between the processes of a tree.
type treeQueue struct{ *transport.Queue[string] }

func (q treeQueue) TryPut(_ context.Context, v string) (bool, error)    { return q.Queue.TryPut(v) }
func (q treeQueue) TryGet(context.Context) (v string, ok bool, e error) { return q.Queue.TryGet() }
func (q treeQueue) Len(context.Context) (int, error)                    { return q.Queue.Len(), nil }
func (q treeQueue) Cap(context.Context) (int, error)                    { return q.Queue.Cap(), nil }
func (q treeQueue) TaskDone(context.Context) error                      { return q.Queue.TaskDone() }

// TestQueuesAreAlike runs one table of tests against the queues of package transport and those of a
// manager.
func TestQueuesAreAlike(t *testing.T) {
	c := serve(t)()
	kinds := map[string]func(t *testing.T, size int) queue{
		"transport": func(t *testing.T, size int) queue {
			q := must1(transport.NewQueue[string](size))
			return treeQueue{q}
		},
		"manager": func(t *testing.T, size int) queue {
			return must1(NewQueue[string](within(t), c, size))
		},
	}
	for kind, newQueue := range kinds {
		for name, test := range map[string]func(*testing.T, queue){
			"order": testQueueOrder, "try": testQueueTry, "end of ctx": testQueueContext, "tasks": testQueueTasks,
			"close": testQueueClose, "close wakes": testQueueCloseWakes,
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				q := newQueue(t, 3)
				test(t, q)
				check(t, q.Free())
				check(t, q.Free())
			})
		}
	}
}

func testQueueOrder(t *testing.T, q queue) {
	ctx := within(t)
	go func() {
		for i := range 100 {
			wants(t, "put", q.Put(ctx, string(rune('0'+i))), nil)
		}
	}()
	for i := range 100 {
		v, err := q.Get(ctx)
		wants(t, "get", err, nil)
		equal(t, "value", v, string(rune('0'+i)))
	}
}

func testQueueTry(t *testing.T, q queue) {
	ctx := within(t)
	_, ok, err := q.TryGet(ctx)
	equal(t, "get from an empty queue", ok, false)
	wants(t, "get from an empty queue", err, nil)
	for _, v := range []string{"a", "", "c"} {
		equal(t, "put", must1(q.TryPut(ctx, v)), true)
	}
	equal(t, "put into a full queue", must1(q.TryPut(ctx, "d")), false)
	equal(t, "len", must1(q.Len(ctx)), 3)
	equal(t, "cap", must1(q.Cap(ctx)), 3)
	for _, want := range []string{"a", "", "c"} {
		v, ok, err := q.TryGet(ctx)
		wants(t, "get", err, nil)
		equal(t, "get", ok, true)
		equal(t, "value", v, want)
	}
	equal(t, "len", must1(q.Len(ctx)), 0)
}

func testQueueContext(t *testing.T, q queue) {
	cause := errors.New("enough")
	ended, cancel := context.WithCancelCause(within(t))
	waits := make(chan error)
	go func() {
		_, err := q.Get(ended)
		waits <- err
	}()
	cancel(cause)
	wants(t, "get while it ends", <-waits, cause)
	_, err := q.Get(ended)
	wants(t, "get after it", err, cause)
	for range 3 {
		wants(t, "put, as there is room", q.Put(ended, "v"), nil)
	}
	wants(t, "put into a full queue", q.Put(ended, "v"), cause)
	wants(t, "join", q.Join(ended), cause)
	v, err := q.Get(ended)
	wants(t, "get what is there", err, nil)
	equal(t, "value", v, "v")
	equal(t, "len", must1(q.Len(ended)), 2)
}

func testQueueTasks(t *testing.T, q queue) {
	ctx := within(t)
	wants(t, "join without tasks", q.Join(ctx), nil)
	wants(t, "done without tasks", q.TaskDone(ctx), transport.ErrTaskDone)
	for range 2 {
		wants(t, "put", q.Put(ctx, "v"), nil)
		must1(q.Get(ctx))
	}
	joined := make(chan error)
	go func() { joined <- q.Join(ctx) }()
	wants(t, "done", q.TaskDone(ctx), nil)
	select {
	case err := <-joined:
		t.Error("join before all is done:", err)
	default:
	}
	wants(t, "done", q.TaskDone(ctx), nil)
	wants(t, "join", <-joined, nil)
	wants(t, "done too often", q.TaskDone(ctx), transport.ErrTaskDone)
	wants(t, "put", q.Put(ctx, "v"), nil)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	wants(t, "join again", q.Join(ended), context.Canceled)
}

func testQueueClose(t *testing.T, q queue) {
	ctx := within(t)
	want := []string{"a", "b", "c"}
	for _, v := range want {
		wants(t, "put", q.Put(ctx, v), nil)
	}
	putting := make(chan error)
	go func() { putting <- q.Put(ctx, "d") }()
	wants(t, "close", q.Close(), nil)
	wants(t, "close again", q.Close(), nil)
	wants(t, "put that waits", <-putting, transport.ErrClosed)
	wants(t, "put", q.Put(ctx, "d"), transport.ErrClosed)
	ok, err := q.TryPut(ctx, "d")
	equal(t, "put", ok, false)
	wants(t, "put", err, transport.ErrClosed)
	var got []string
	for v, err := range q.All(ctx) {
		wants(t, "all", err, nil)
		got = append(got, v)
	}
	equal(t, "what was left", slices.Equal(got, want), true)
	_, err = q.Get(ctx)
	wants(t, "get", err, io.EOF)
	_, ok, err = q.TryGet(ctx)
	equal(t, "get", ok, false)
	wants(t, "get", err, io.EOF)
}

func testQueueCloseWakes(t *testing.T, q queue) {
	ctx := within(t)
	got := make(chan error)
	for range 2 {
		go func() {
			_, err := q.Get(ctx)
			got <- err
		}()
	}
	wants(t, "close", q.Close(), nil)
	for range 2 {
		wants(t, "get", <-got, io.EOF)
	}
}
