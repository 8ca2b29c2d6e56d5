package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"mrrun/transport"
)

// A quotaError is found by its type, and so is a codeError, which is not a pointer.
type (
	quotaError struct {
		Used, Limit int
		Who         string
	}
	codeError struct{ Code int }

	// loosePathError cannot travel, since it contains an interface.
	loosePathError struct{ Err error }
)

func (e *quotaError) Error() string     { return fmt.Sprintf("%s used %d of %d", e.Who, e.Used, e.Limit) }
func (e codeError) Error() string       { return fmt.Sprint("code ", e.Code) }
func (e *loosePathError) Error() string { return "loose: " + e.Err.Error() }

var (
	errFull1, errFull2 = errors.New("full"), errors.New("full")
	errFailures        = []error{
		fmt.Errorf("a: %w", &quotaError{5, 3, "ann"}), codeError{7}, errors.Join(errFull2, codeError{8}), &loosePathError{io.EOF},
		ErrClosed, ErrNotInitialized, ErrCanceled, ErrNoHello, ErrInitializer, transport.ErrClosed, &transport.SizeError{Size: 2, Limit: 1},
		io.EOF, &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, &WorkerLostError{PID: 12, Stderr: "last"},
	}

	failLike = FuncContext(func(_ context.Context, i int) (int, error) {
		if i < 0 {
			panic(errFailures[-i-1])
		}
		return 0, errFailures[i]
	})

	failingState = NewState(func(_ context.Context, i int) (int, error) {
		if i < 0 {
			panic(errFailures[-i-1])
		}
		return 0, errFailures[i]
	}, nil)
)

func init() {
	RegisterError(errFull1, errFull2, &quotaError{}, codeError{}, (*loosePathError)(nil))
}

// What errors.Is and errors.As find in the error of a task, they find in the driver, even if the
// task panicked with it.
func TestErrorsKeepIdentity(t *testing.T) {
	p := newPool(t, Procs(1))
	_, err := failLike.Map(t.Context(), p, numbers(len(errFailures)))
	failed, ok := errors.AsType[TaskErrors](err)
	if !ok || len(failed) != len(errFailures) {
		t.Fatal(err)
	}
	for i := range errFailures {
		checkIdentity(t, i, failed[i])
		_, err := failLike.Apply(t.Context(), p, -i-1)
		checkIdentity(t, i, err)
		if item, ok := errors.AsType[*TaskError](err); !ok || item.Stack == "" {
			t.Errorf("panic(%v): %v; want its stack", errFailures[i], err)
		}
	}
}

// The same holds for the error of an initializer.
func TestErrorsOfInitializer(t *testing.T) {
	for i := range errFailures {
		for _, arg := range []int{i, -i - 1} {
			_, err := NewPool(t.Context(), Procs(1), failingState.Initializer(arg))
			if !errors.Is(err, ErrInitializer) {
				t.Errorf("%v; want ErrInitializer", err)
			}
			checkIdentity(t, i, err)
			if err != nil && strings.Contains(err.Error(), "item -1") {
				t.Errorf("%v tells of an item", err)
			}
		}
	}
}

// The same holds when the error travels on.
func TestErrorsTravelOn(t *testing.T) {
	c, err := transport.NewCodec[*TaskError]()
	if err != nil {
		t.Fatal(err)
	}
	for i, failure := range errFailures {
		out := transport.NewEncoder(nil)
		encodeFailure(out, failure)
		sent, err := decodeFailure(transport.NewDecoder(out.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		sent.Index, sent.Stack = i-1, "line 5"
		out.Truncate(0)
		var got *TaskError
		if err := errors.Join(c.Encode(out, &sent), c.Decode(transport.NewDecoder(out.Bytes()), &got)); err != nil {
			t.Fatal(err)
		}
		checkIdentity(t, i, got)
		if got.Index != i-1 || got.Msg != sent.Msg || got.Stack != sent.Stack {
			t.Errorf("%+v became %+v", sent, got)
		}
		for cut := range out.Len() {
			if err := c.Decode(transport.NewDecoder(out.Bytes()[:cut]), &got); err == nil {
				t.Errorf("the first %d of %d bytes of %v are taken for a failure", cut, out.Len(), sent)
			}
		}
	}
}

// checkIdentity checks that err contains what errFailures[i] contained, and nothing else.
func checkIdentity(t *testing.T, i int, err error) {
	t.Helper()
	was := errFailures[i]
	for _, known := range []error{
		errFull1, errFull2, ErrClosed, ErrNotInitialized, ErrCanceled, ErrNoHello, ErrTimeout, ErrMemoryLimit,
		transport.ErrClosed, io.EOF, context.Canceled, context.DeadlineExceeded,
	} {
		if got := errors.Is(err, known); got != errors.Is(was, known) {
			t.Errorf("%v: is it %v? %v", was, known, got)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v: of an error that was not registered only the text travels", err)
	}
	checkAs[*quotaError](t, was, err)
	checkAs[codeError](t, was, err)
	checkAs[*transport.SizeError](t, was, err)
	checkAs[*WorkerLostError](t, was, err)
}

func checkAs[E error](t *testing.T, was, err error) {
	t.Helper()
	want, is := errors.AsType[E](was)
	got, ok := errors.AsType[E](err)
	if ok != is || is && got.Error() != want.Error() {
		t.Errorf("%v: as a %T it is %v", was, want, got)
	}
}
