package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"mrrun/transport"
)

func TestTaskErrorText(t *testing.T) {
	for _, test := range []struct {
		err  TaskError
		want string
	}{
		{TaskError{Index: 3, Input: 7, Msg: "bad"}, "item 3 (7): bad"},
		{TaskError{Index: 3, Msg: "bad"}, "item 3: bad"},
		{TaskError{Index: 3, Input: "x", Msg: "panic: bad", Stack: "main.go:5"}, "item 3 (x): panic: bad\nmain.go:5"},
		{TaskError{Input: struct{ A, B int }{1, 2}, Msg: "bad"}, "item 0 ({A:1 B:2}): bad"},
		{TaskError{Input: strings.Repeat("ä", 100), Msg: "bad"}, "item 0 (" + strings.Repeat("ä", 40) + "…): bad"},
		{TaskError{Input: "x" + strings.Repeat("ä", 100), Msg: "bad"}, "item 0 (x" + strings.Repeat("ä", 39) + "…): bad"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestTaskErrorsText(t *testing.T) {
	failed := func(n int) (all TaskErrors) {
		for i := range n {
			all = append(all, &TaskError{Index: i, Msg: "bad"})
		}
		return all
	}
	for _, test := range []struct {
		n    int
		want string
	}{
		{1, "item 0: bad"},
		{2, "2 items failed:\nitem 0: bad\nitem 1: bad"},
		{3, "3 items failed:\nitem 0: bad\nitem 1: bad\nitem 2: bad"},
		{5, "5 items failed:\nitem 0: bad\nitem 1: bad\nitem 2: bad\nand 2 more"},
	} {
		if got := failed(test.n).Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestTaskErrorsUnwrap(t *testing.T) {
	var err error = fmt.Errorf("more: %w", TaskErrors{
		{Index: 1, Msg: "bad"},
		{Index: 2, Msg: "late", is: []error{context.DeadlineExceeded}},
	})
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Errorf("errors.Is is wrong about %v", err)
	}
	if item, ok := errors.AsType[*TaskError](err); !ok || item.Index != 1 {
		t.Errorf("the first item of %v is %+v", err, item)
	}
}

func TestWorkerLostErrorText(t *testing.T) {
	killed := WorkerLostError{Worker: 2, PID: 77, Index: 5, Attempts: 3, Signal: syscall.SIGKILL, ExitCode: -1, MaxRSS: 300 << 20}
	exited := WorkerLostError{Worker: 1, PID: 78, Attempts: 1, ExitCode: 3, Stderr: "out of luck"}
	for _, test := range []struct {
		err  *WorkerLostError
		want []string
	}{
		{&killed, []string{"worker 2", "pid 77", "SIGKILL", "2 times before", "300 MiB"}},
		{&exited, []string{"worker 1", "exit status 3", "out of luck"}},
	} {
		for _, want := range test.want {
			if got := test.err.Error(); !strings.Contains(got, want) {
				t.Errorf("%q does not say %q", got, want)
			}
		}
	}
}

func TestFailureTravels(t *testing.T) {
	knownErrors := []error{context.Canceled, context.DeadlineExceeded}
	for _, test := range []struct {
		err      error
		stack    string
		is       []error
		isNot    []error
		wantText string
	}{
		{err: errors.New("bad"), wantText: "bad", isNot: knownErrors},
		{err: &panicError{value: "bad", stack: "line 5"}, wantText: "panic: bad", stack: "line 5", isNot: knownErrors},
		{err: fmt.Errorf("a: %w", &panicError{value: "bad", stack: "line 5"}), wantText: "a: panic: bad", stack: "line 5"},
		{err: context.Canceled, wantText: "context canceled", is: knownErrors[:1], isNot: knownErrors[1:]},
		{err: fmt.Errorf("late: %w", context.DeadlineExceeded), wantText: "late: context deadline exceeded", is: knownErrors[1:]},
		{err: errors.Join(knownErrors...), wantText: "context canceled\ncontext deadline exceeded", is: knownErrors},
	} {
		out := transport.NewEncoder(nil)
		encodeFailure(out, test.err)
		got, err := decodeFailure(transport.NewDecoder(out.Bytes()))
		if err != nil || got.Msg != test.wantText || got.Stack != test.stack {
			t.Errorf("%v became %+v, %v", test.err, got, err)
			continue
		}
		for _, is := range test.is {
			if !errors.Is(got, is) {
				t.Errorf("%v is not %v any more", test.err, is)
			}
		}
		for _, isNot := range test.isNot {
			if errors.Is(got, isNot) {
				t.Errorf("%v has become %v", test.err, isNot)
			}
		}
		for cut := range out.Len() {
			if _, err := decodeFailure(transport.NewDecoder(out.Bytes()[:cut])); err == nil {
				t.Errorf("%v: the first %d of %d bytes are taken for the whole", test.err, cut, out.Len())
			}
		}
	}
}

// A shyError panics when it is asked for its text.
type shyError struct{ text *string }

func (e shyError) Error() string { return *e.text }

var failShyly = FuncContext(func(context.Context, int) (int, error) { return 0, shyError{} })

func TestErrorThatPanics(t *testing.T) {
	p := newPool(t)
	_, err := failShyly.Map(t.Context(), p, numbers(2))
	failed, _ := errors.AsType[TaskErrors](err)
	if len(failed) != 2 || !strings.Contains(failed[0].Msg, "panic") {
		t.Errorf("error %v, want two items", err)
	}
	checkUsable(t, p)
}

// A failure arrives unchanged in another process, except for the item itself.
func TestTaskErrorTravels(t *testing.T) {
	codec, err := transport.NewCodec[*TaskError]()
	if err != nil {
		t.Fatal(err)
	}
	lost := &WorkerLostError{Index: 4, Attempts: 3, Worker: 1, PID: 99, Signal: syscall.SIGKILL, ExitCode: -1, MaxRSS: 5, OOM: true, Stderr: "bye"}
	sent := &TaskError{Index: 4, Input: 7, Msg: "bad", Stack: "main.go:5", is: []error{lost, ErrMemoryLimit, errRegistered[1]}}
	out := transport.NewEncoder(nil)
	if err := codec.Encode(out, &sent); err != nil {
		t.Fatal(err)
	}
	var got *TaskError
	if err := codec.Decode(transport.NewDecoder(out.Bytes()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Index != 4 || got.Input != nil || got.Msg != "bad" || got.Stack != "main.go:5" {
		t.Errorf("got %+v", got)
	}
	if same, ok := errors.AsType[*WorkerLostError](got); !ok || *same != *lost {
		t.Errorf("the lost worker: %v", same)
	}
	for err, want := range map[error]bool{
		ErrMemoryLimit: true, errRegistered[1]: true, errRegistered[0]: false, ErrTimeout: false, context.Canceled: false,
	} {
		if errors.Is(got, err) != want {
			t.Errorf("is it %q? %t, want %t", err, !want, want)
		}
	}
	if err := codec.Decode(transport.NewDecoder([]byte{0xc1}), &got); err == nil {
		t.Error("no failure was taken for one")
	}
}
