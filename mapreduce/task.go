package mapreduce

import (
	"context"
	"fmt"
	"reflect"
	"runtime"

	"mrrun/transport"
)

// A Task is a function that workers can run: it computes an R from an A. It is made by [Func] or
// [FuncContext] and used through its methods, which are safe for concurrent use.
//
// An argument is copied to the worker and the result is copied back; neither shares memory with the
// original. For large slices of numbers, a [transport.View] saves the second copy in both
// directions. An item runs at least once, and its result is used exactly once: side effects of a
// task should tolerate repetition.
type Task[A, R any] struct {
	entry  *entry
	plain  func(A) R // set for a function that needs no context, else f is
	f      func(context.Context, A) (R, error)
	arg    *transport.Codec[A]
	result *transport.Codec[R]
}

// Func registers f as a task. It must be called before [Main] or [Init], for a package variable or
// in an init function, and in the same order in every process of the program. It panics, with the
// line to mend, if it is called later or if an A or R would not survive the way to another process;
// see [transport.CheckType].
func Func[A, R any](f func(A) R, opts ...TaskOption) *Task[A, R] {
	t := newTask[A, R](named(funcName(f), opts), nil)
	t.plain = f
	return t
}

// FuncContext is [Func] for functions that can fail or that should end early. The context has the
// deadline of the caller's context. It ends when the call is cancelled, with the same cause
// ([context.Cause]), or when the driver ends. In the cause, [errors.Is] finds what it finds in a
// [TaskError]. An error fails only that item.
func FuncContext[A, R any](f func(context.Context, A) (R, error), opts ...TaskOption) *Task[A, R] {
	return newTask(named(funcName(f), opts), f)
}

// A TaskOption changes how a task is registered.
type TaskOption interface{ applyTask(*taskOptions) }

type taskOptions struct{ name string }

type taskFunc func(*taskOptions)

func (f taskFunc) applyTask(o *taskOptions) { f(o) }

// TaskName sets the name of the task in errors, logs and [Task.Name]. The default is Go's name of
// the function, which for a function literal is like main.init.func1.
func TaskName(name string) TaskOption {
	return taskFunc(func(o *taskOptions) { o.name = name })
}

// named returns the name that the options set, or else name.
func named(name string, opts []TaskOption) string {
	o := taskOptions{name: name}
	for _, opt := range opts {
		opt.applyTask(&o)
	}
	return o.name
}

func newTask[A, R any](name string, f func(context.Context, A) (R, error)) *Task[A, R] {
	t := &Task[A, R]{f: f}
	types := reflect.TypeFor[A]().String() + " → " + reflect.TypeFor[R]().String()
	t.entry = register("task ", name, types, 2, t.codecs, func([]byte) (runner, error) { return t.run, nil })
	return t
}

func (t *Task[A, R]) codecs(refuse func(role string, err error)) {
	var err error
	t.arg, err = transport.NewItemCodec[A]()
	refuse("its argument", err)
	t.result, err = transport.NewItemCodec[R]()
	refuse("its result", err)
}

// funcName returns the name of a function to register.
func funcName(f any) string {
	pc := reflect.ValueOf(f).Pointer()
	if pc == 0 {
		e := entry{site: callSite(2)}
		panic(fmt.Sprintf("mapreduce: the function that is registered at %s is nil", e.where()))
	}
	return runtime.FuncForPC(pc).Name()
}

// Name returns the name under which the task is registered: its [TaskName] or the name of its
// function, followed by #2, #3 and so on if the name is already taken.
func (t *Task[A, R]) Name() string { return t.entry.name }

// Call calls the task's function with a in this goroutine, without a pool and without a copy of a.
func (t *Task[A, R]) Call(ctx context.Context, a A) (R, error) {
	if t.plain != nil {
		return t.plain(a), nil
	}
	return t.f(ctx, a)
}

// entryOf returns the task's entry; nil for a nil or zero task.
func (t *Task[A, R]) entryOf() *entry {
	if t == nil {
		return nil
	}
	return t.entry
}
