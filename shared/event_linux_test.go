package shared

import (
	"context"
	"sync"
	"testing"
)

func TestEvent(t *testing.T) {
	_, process := simulate(t)
	a, err := newEvent(process())
	mustNot(t, err)
	b := had(process(), a.o).event()
	if b.IsSet() {
		t.Error("it is set when it is new")
	}
	must(t, b.Wait(ended), errEnough)
	a.Set()
	a.Set()
	if !b.IsSet() {
		t.Error("Set has not set it")
	}
	mustNot(t, b.Wait(ended))
	b.Clear()
	must(t, a.Wait(ended), errEnough)
}

// Those that wait when the event is set go on, even if it is cleared at once, and those that come
// later wait for the next Set.
func TestEventSetAndCleared(t *testing.T) {
	_, process := simulate(t)
	a, err := newEvent(process())
	mustNot(t, err)
	b := had(process(), a.o).event()
	ctx := soon(t)
	for range 200 {
		const many = 10
		var wg, started sync.WaitGroup
		started.Add(many)
		for range many {
			wg.Go(func() {
				before := b.state.Load()
				started.Done()
				if err := b.await(ctx, before); err != nil {
					t.Error(err)
				}
			})
		}
		started.Wait()
		a.Set()
		a.Clear()
		late, cancel := context.WithCancelCause(ctx)
		wg.Go(func() { must(t, b.Wait(late), errEnough) })
		cancel(errEnough)
		wg.Wait()
	}
}
