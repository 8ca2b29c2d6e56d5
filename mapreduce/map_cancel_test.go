package mapreduce

import (
	"context"
	"errors"
	"slices"
	"testing"
)

func TestMapCancelledBefore(t *testing.T) {
	p := newPool(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	because := errors.New("because")
	cancel(because)
	if got, err := echo.Map(ctx, p, numbers(10)); got != nil || err != because {
		t.Errorf("%v, %v; want the cause", got, err)
	}
	if sent := p.Stats().Sent; sent != 0 {
		t.Errorf("%d items were sent", sent)
	}
}

// A cancelled call ends the context of its tasks.
func TestMapCancelledDuring(t *testing.T) {
	p := newPool(t)
	m := newMeeting(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	because := errors.New("because")
	done := make(chan error)
	go func() {
		_, err := meet.Map(ctx, p, slices.Repeat([]place{m.place()}, 100))
		done <- err
	}()
	first, second := m.await(), m.await()
	cancel(because)
	if err := <-done; err != because {
		t.Errorf("error %v, want the cause", err)
	}
	first.awaitEnd()
	second.awaitEnd()
	checkUsable(t, p)
	if sent := p.Stats().Sent; sent >= 200 {
		t.Errorf("%d items were sent, also what was cancelled", sent)
	}
}

// A cancelled call returns at once, even if its tasks do not.
func TestMapCancelledStubborn(t *testing.T) {
	p := newPool(t, Procs(1))
	m := newMeeting(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := meet.Map(ctx, p, []place{{Addr: m.place().Addr, Stubborn: true}})
		done <- err
	}()
	task := m.await()
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("error %v, want context.Canceled", err)
	}
	task.letGo()
	checkUsable(t, p)
}
