package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"mrrun/mapreduce/internal/schedule"
)

// endless counts from 0 for ever, and records how far it has come and whether it has returned.
type endless struct {
	taken    atomic.Int64
	returned atomic.Bool
}

func (e *endless) all(yield func(int) bool) {
	defer e.returned.Store(true)
	for n := 0; yield(n); n++ {
		e.taken.Store(int64(n) + 1)
	}
	e.taken.Add(1)
}

// collect returns all results of a stream, the failures of items, and the first other error.
func collect[R any](stream iter.Seq2[R, error]) (results []R, failed TaskErrors, err error) {
	for result, e := range stream {
		if item, ok := errors.AsType[*TaskError](e); ok {
			failed = append(failed, item)
		} else if e != nil {
			return results, failed, e
		}
		results = append(results, result)
	}
	return results, failed, nil
}

func TestImapKeepsOrder(t *testing.T) {
	p := newPool(t)
	for _, n := range []int{0, 1, 2, 100, 5000} {
		for _, size := range []int{0, 1, 7, 1000} {
			got, failed, err := collect(echo.Imap(t.Context(), p, slices.Values(numbers(n)), Chunksize(size)))
			if err != nil || failed != nil || !slices.Equal(got, numbers(n)) {
				t.Errorf("%d items, chunk size %d: %d results, %v, %v", n, size, len(got), failed, err)
			}
		}
	}
}

func TestImapMayBeUsedAgain(t *testing.T) {
	p := newPool(t)
	stream := echo.Imap(t.Context(), p, slices.Values(numbers(50)))
	for range 2 {
		if got, _, err := collect(stream); err != nil || !slices.Equal(got, numbers(50)) {
			t.Errorf("%v, %v", got, err)
		}
	}
}

func TestImapBreak(t *testing.T) {
	p := newPool(t)
	for _, size := range []int{0, 1, 100} {
		for _, stopAt := range []int{0, 1, 3000} {
			var in endless
			for n, err := range echo.Imap(t.Context(), p, in.all, Chunksize(size)) {
				if err != nil {
					t.Fatal(err)
				}
				if n == stopAt {
					break
				}
			}
			if !in.returned.Load() {
				t.Errorf("chunk size %d, break at %d: the input still runs", size, stopAt)
			}
		}
	}
	checkUsable(t, p)
}

func TestImapGoesOnAfterErrors(t *testing.T) {
	p := newPool(t)
	for _, size := range []int{0, 1, 4} {
		results, failed, err := collect(failAtThrees.Imap(t.Context(), p, slices.Values(numbers(100)), Chunksize(size)))
		if err != nil || len(results) != 100 || len(failed) != 34 {
			t.Fatalf("chunk size %d: %d results and %d failures of 100 items, %v", size, len(results), len(failed), err)
		}
		for i, item := range failed {
			if item.Index != 3*i || item.Input != 3*i || item.Msg != fmt.Sprintf("%d is a multiple of three", 3*i) {
				t.Errorf("chunk size %d: error %d is %+v", size, i, item)
			}
		}
		if results[98] != 98 || results[99] != 0 {
			t.Errorf("chunk size %d: the last results are %v", size, results[97:])
		}
	}
}

func TestImapCannotEncode(t *testing.T) {
	p := newPool(t)
	args := make([]tricky, 5000)
	args[4000].On = "encode panic"
	results, failed, err := collect(takeTricky.Imap(t.Context(), p, slices.Values(args)))
	if err == nil || failed != nil || len(results) > 4000 {
		t.Errorf("%d results, %v, %v; want an error", len(results), failed, err)
	}
	checkUsable(t, p)
}

// recovered returns the value with which f panics.
func recovered(f func()) (p any) {
	defer func() { p = recover() }()
	f()
	return nil
}

func TestImapInputPanics(t *testing.T) {
	p := newPool(t)
	for _, at := range []int{0, 1, 2000} {
		in := func(yield func(int) bool) {
			for n := range at {
				if !yield(n) {
					return
				}
			}
			panic("no more")
		}
		got := recovered(func() {
			for _, err := range echo.Imap(t.Context(), p, in) {
				if err != nil {
					t.Errorf("panic at %d: error %v", at, err)
				}
			}
		})
		if got != "no more" {
			t.Errorf("panic at %d: recovered %v", at, got)
		}
	}
	checkUsable(t, p)
}

// If the step of the input that is under way at the break panics, the panic must not be lost.
func TestImapInputPanicsAtBreak(t *testing.T) {
	p := newPool(t)
	broken := make(chan struct{})
	in := func(yield func(int) bool) {
		yield(0)
		<-broken
		panic("too late")
	}
	got := recovered(func() {
		for range echo.Imap(t.Context(), p, in) {
			close(broken)
			break
		}
	})
	if got != "too late" {
		t.Errorf("recovered %v", got)
	}
	checkUsable(t, p)
}

func TestImapInputExits(t *testing.T) {
	p := newPool(t)
	got := recovered(func() {
		for range echo.Imap(t.Context(), p, func(func(int) bool) { runtime.Goexit() }) {
			t.Error("got a result of no items")
		}
	})
	if got == nil {
		t.Error("nobody heard of it")
	}
	checkUsable(t, p)
}

func TestImapConsumerPanics(t *testing.T) {
	p := newPool(t)
	var in endless
	got := recovered(func() {
		for n := range echo.Imap(t.Context(), p, in.all) {
			if n == 10 {
				panic("enough")
			}
		}
	})
	if got != "enough" || !in.returned.Load() {
		t.Errorf("recovered %v; the input has returned: %v", got, in.returned.Load())
	}
	checkUsable(t, p)
}

// A consumer that does not ask for more stops the input at the window.
func TestImapSlowConsumer(t *testing.T) {
	p := newPool(t)
	for _, test := range []struct{ size, window int }{{0, 1024}, {1, 1024}, {200, 1600}} {
		var in endless
		for n, err := range echo.Imap(t.Context(), p, in.all, Chunksize(test.size)) {
			if err != nil {
				t.Fatal(err)
			}
			if n >= 2000 {
				break
			}
			if n%500 > 0 {
				continue
			}
			yielded := int64(n) + 1
			for in.taken.Load() < yielded+int64(test.window)-1 { // the input does come that far
				runtime.Gosched()
			}
			checkUsable(t, p) // while other calls go on
			if taken := in.taken.Load(); taken > yielded+int64(test.window) {
				t.Errorf("chunk size %d: %d items were taken and %d yielded, which is over the window of %d", test.size, taken, yielded, test.window)
			}
		}
	}
}

func TestImapCancelledBefore(t *testing.T) {
	p := newPool(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	because := errors.New("because")
	cancel(because)
	var in endless
	if results, _, err := collect(echo.Imap(ctx, p, in.all)); err != because || results != nil {
		t.Errorf("%v, %v; want the cause", results, err)
	}
	if taken := in.taken.Load(); taken > 0 {
		t.Errorf("%d items were taken", taken)
	}
}

// The context ends while the consumer waits for a result.
func TestImapCancelledDuring(t *testing.T) {
	p := newPool(t)
	m := newMeeting(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	because := errors.New("because")
	var in endless
	places := func(yield func(place) bool) {
		for range in.all {
			if !yield(m.place()) {
				return
			}
		}
	}
	done := make(chan error)
	go func() {
		_, _, err := collect(meet.Imap(ctx, p, places))
		done <- err
	}()
	first, second := m.await(), m.await()
	cancel(because)
	if err := <-done; err != because || !in.returned.Load() {
		t.Errorf("error %v, want the cause; the input has returned: %v", err, in.returned.Load())
	}
	first.awaitEnd()
	second.awaitEnd()
	checkUsable(t, p)
}

// The context ends while the consumer does something else.
func TestImapCancelledBetween(t *testing.T) {
	p := newPool(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var in endless
	yielded := 0
	for n, err := range echo.Imap(ctx, p, in.all) {
		if err != nil {
			if err != context.Canceled {
				t.Errorf("error %v, want context.Canceled", err)
			}
			break
		}
		if n != yielded {
			t.Fatalf("result %d after %d", n, yielded)
		}
		yielded++
		if n == 100 {
			cancel()
		}
	}
	if yielded > 100+minWindow+1 {
		t.Errorf("%d results came after the end of the context", yielded-100)
	}
	checkUsable(t, p)
}

// Large results do not pile up: bytes, not only items, bound what waits for the consumer.
func TestImapBoundsBytes(t *testing.T) {
	const each = 2 << 20
	p := newPool(t)
	always := func(yield func(int) bool) {
		for yield(each) {
		}
	}
	yielded := 0
	for result, err := range grow.Imap(t.Context(), p, always) {
		if err != nil {
			t.Fatal(err)
		}
		if len(result) != each {
			t.Fatalf("result of %d bytes", len(result))
		}
		yielded++
		checkUsable(t, p) // this call waits behind what is already sent
		if ahead := p.Stats().Sent - yielded*101; ahead > schedule.WindowBytes/each+1 {
			t.Fatalf("%d results of 2 MiB are ahead of the consumer", ahead)
		}
		if yielded == 60 {
			break
		}
	}
}

// Two streams, one inside the other, share the workers.
func TestImapNested(t *testing.T) {
	p := newPool(t)
	sum := 0
	for n, err := range echo.Imap(t.Context(), p, slices.Values(numbers(40))) {
		if err != nil {
			t.Fatal(err)
		}
		inner, _, err := collect(echo.Imap(t.Context(), p, slices.Values(numbers(n))))
		if err != nil {
			t.Fatal(err)
		}
		sum += len(inner)
	}
	if sum != 40*39/2 {
		t.Errorf("%d inner results", sum)
	}
}

func TestImapPoolEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	p, err := NewPool(ctx, Procs(2))
	if err != nil {
		t.Fatal(err)
	}
	because := errors.New("because")
	var in endless
	for n, err := range echo.Imap(t.Context(), p, in.all) {
		if err != nil {
			if err != because {
				t.Errorf("error %v, want the cause", err)
			}
			break
		}
		if n == 5 {
			cancel(because)
		}
	}
	if !in.returned.Load() {
		t.Error("the input still runs")
	}
	if err := p.Close(); err != because {
		t.Errorf("Close: %v, want the cause", err)
	}
}
