package manager

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"mrrun/mapreduce"
	"mrrun/transport"
)

// A RemoteTask is a task that runs on the pools of managers: see [PoolTask]. Its methods are safe
// for concurrent use.
type RemoteTask[A, R any] struct {
	name      string
	signature string
	args      coder[A]
	results   coder[R]
	failures  coder[mapreduce.TaskErrors]
	task      *mapreduce.Task[A, R]
	options   []mapreduce.CallOption
}

// A poolTask is a RemoteTask of any type, as the manager uses it.
type poolTask interface {
	sign() string // returns the types of the task
	run(ctx context.Context, p *mapreduce.Pool, args *transport.Decoder) (answer []byte, err error)
}

var poolTasks sync.Map // of string to poolTask

func lookupPoolTask(name, signature string) (poolTask, error) {
	t, ok := poolTasks.Load(name)
	if !ok {
		return nil, fmt.Errorf("%w: no PoolTask %q in the manager's program", ErrNoMethod, name)
	}
	if has := t.(poolTask).sign(); has != signature {
		return nil, fmt.Errorf("%w: PoolTask %q is a %s in the manager's program, not a %s", ErrType, name, has, signature)
	}
	return t.(poolTask), nil
}

// PoolTask registers a task that any client can run on a [Pool]; opts apply to all its calls. It
// must be called to initialize a package variable, in the manager's program and, in the same way,
// in every program that uses it. It panics if the name is taken or a type cannot travel.
func PoolTask[A, R any](name string, task *mapreduce.Task[A, R], opts ...mapreduce.CallOption) *RemoteTask[A, R] {
	t := &RemoteTask[A, R]{
		name: name, signature: signatureOf("task", reflect.TypeFor[A](), reflect.TypeFor[R]()), task: task, options: opts,
	}
	var errs [3]error
	t.args, errs[0] = coderOf[A]()
	t.results, errs[1] = coderOf[R]()
	t.failures, errs[2] = coderOf[mapreduce.TaskErrors]()
	if err := errors.Join(errs[:]...); err != nil {
		panic(fmt.Sprintf("manager: PoolTask(%q): %v", name, err))
	}
	if _, taken := poolTasks.LoadOrStore(name, t); taken {
		panic(fmt.Sprintf("manager: PoolTask(%q): the name is taken", name))
	}
	return t
}

// Map computes the task on the pool for each of args and returns the results in the same order. It
// blocks until it has all results.
//
// If items fail, the error is a [mapreduce.TaskErrors] that holds the error of each, as for
// [mapreduce.Task.Map]. Any other error is about the whole call: the cause of ctx, whose end
// cancels the items, [ErrLost], [mapreduce.ErrClosed], or [ErrNoMethod] or [ErrType] if the
// manager's program has not registered the same task. All args travel in one message, and so do all
// results: see [MaxMessage].
func (t *RemoteTask[A, R]) Map(ctx context.Context, p *Pool, args []A) ([]R, error) {
	return t.begin(ctx, opMap, p, args)(ctx)
}

// begin sends args, and returns a function that waits for the results.
func (t *RemoteTask[A, R]) begin(ctx context.Context, method op, p *Pool, args []A) func(context.Context) ([]R, error) {
	name := "RemoteTask." + string(method)
	c, err := p.conn(ctx)
	if err == nil && p.isOwn() {
		err = errOwnPool
	}
	if err != nil {
		return func(context.Context) ([]R, error) { return nil, fmt.Errorf("manager: %s: %w", name, err) }
	}
	r, err := c.sendCall(name, p.id, method, func(e *transport.Encoder) error {
		e.String(t.name)
		e.String(t.signature)
		return encodeAll(e, t.args, args)
	})
	return func(ctx context.Context) (results []R, failed error) {
		if err != nil {
			return nil, err
		}
		err := r.wait(ctx, func(d *transport.Decoder) (err error) {
			results, failed, err = t.answer(d, args)
			return err
		})
		return results, cmp.Or(err, failed)
	}
}

// Apply is [RemoteTask.Map] for one argument. If the task fails, the error is its
// [mapreduce.TaskError].
func (t *RemoteTask[A, R]) Apply(ctx context.Context, p *Pool, arg A) (R, error) {
	return t.beginOne(ctx, p, arg)(ctx)
}

func (t *RemoteTask[A, R]) beginOne(ctx context.Context, p *Pool, arg A) func(context.Context) (R, error) {
	wait := t.begin(ctx, opApply, p, []A{arg})
	return func(ctx context.Context) (result R, err error) {
		results, err := wait(ctx)
		if failed, ok := errors.AsType[mapreduce.TaskErrors](err); ok {
			return result, failed[0]
		}
		if err != nil {
			return result, err
		}
		return results[0], nil
	}
}

// MapAsync is [RemoteTask.Map] without the waiting. [mapreduce.Future.Cancel] and the end of ctx
// cancel the items. The caller must not change args before the future is ready.
func (t *RemoteTask[A, R]) MapAsync(ctx context.Context, p *Pool, args []A) *mapreduce.Future[[]R] {
	return mapreduce.Go(ctx, t.begin(ctx, opMap, p, args))
}

// ApplyAsync is [RemoteTask.Apply] without the waiting. If more calls of this client are under way
// than [MaxWaiting] allows, the error of the future is [ErrBusy].
func (t *RemoteTask[A, R]) ApplyAsync(ctx context.Context, p *Pool, arg A) *mapreduce.Future[R] {
	return mapreduce.Go(ctx, t.beginOne(ctx, p, arg))
}

func (t *RemoteTask[A, R]) sign() string { return t.signature }

// run is the manager's side of Map. Its answer holds the number of results, which is 0 if the call
// has stopped at its first failure, then the failures, then the results of all other items.
func (t *RemoteTask[A, R]) run(ctx context.Context, p *mapreduce.Pool, in *transport.Decoder) ([]byte, error) {
	args, err := decodeAll(in, t.args)
	if err != nil {
		return nil, fmt.Errorf("%w: arguments of %s: %w", ErrType, t.name, err)
	}
	results, err := t.task.Map(ctx, p, args, t.options...)
	failed, _ := err.(mapreduce.TaskErrors)
	if first, ok := err.(*mapreduce.TaskError); ok {
		failed = mapreduce.TaskErrors{first}
	} else if err != nil && failed == nil {
		return nil, err
	}
	answer := transport.NewEncoder(nil)
	answer.Uint(uint64(len(results)))
	if err := t.failures.Encode(answer, &failed); err != nil {
		return nil, err
	}
	for i := range results {
		if len(failed) > 0 && failed[0].Index == i {
			failed = failed[1:]
		} else if err := t.results.Encode(answer, &results[i]); err != nil {
			return nil, fmt.Errorf("send result %d of %s: %w", i, t.name, err)
		}
	}
	return answer.Bytes(), nil
}

// answer decodes an answer of run.
func (t *RemoteTask[A, R]) answer(in *transport.Decoder, args []A) (results []R, failure, err error) {
	n, err := in.Uint()
	var failed mapreduce.TaskErrors
	if err == nil {
		err = t.failures.Decode(in, &failed)
	}
	if err != nil {
		return nil, nil, err
	}
	for _, f := range failed {
		if f == nil || f.Index < 0 || f.Index >= len(args) {
			return nil, nil, fmt.Errorf("%w: an item that was not sent has failed", transport.ErrFormat)
		}
		f.Input = args[f.Index]
	}
	if n == 0 && len(failed) > 0 {
		return nil, failed[0], nil
	}
	if n != uint64(len(args)) {
		return nil, nil, fmt.Errorf("%w: %d results of %d items", transport.ErrFormat, n, len(args))
	}
	if len(failed) > 0 {
		failure = failed
	}
	results = make([]R, n)
	for i := range results {
		if len(failed) > 0 && failed[0].Index == i {
			failed = failed[1:]
		} else if err := t.results.Decode(in, &results[i]); err != nil {
			return nil, nil, fmt.Errorf("result %d: %w", i, err)
		}
	}
	return results, failure, nil
}

func encodeAll[T any](e *transport.Encoder, c coder[T], values []T) error {
	e.Uint(uint64(len(values)))
	for i := range values {
		if err := c.Encode(e, &values[i]); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return nil
}

func decodeAll[T any](d *transport.Decoder, c coder[T]) (values []T, err error) {
	n, err := d.Uint()
	if err != nil {
		return nil, err
	}
	for i := range n {
		var v T
		if err := c.Decode(d, &v); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
		values = append(values, v)
	}
	return values, nil
}
