package shared

import (
	"context"
	"errors"
	"testing"
)

func TestRLock(t *testing.T) {
	sim, process := simulate(t)
	a, err := newRLock(process())
	mustNot(t, err)
	b := had(process(), a.l.o).rlock()
	bg := context.Background()
	one, two := WithHolder(bg), WithHolder(ended)
	mustNot(t, a.Lock(one))
	mustNot(t, a.Lock(one))
	for name, ctx := range map[string]context.Context{"another holder": two, "the process": ended} {
		if ok, err := a.TryLock(ctx); ok || err != nil {
			t.Errorf("TryLock of %s: %v, %v", name, ok, err)
		}
		must(t, a.Lock(ctx), errEnough)
		must(t, a.Unlock(ctx), ErrReleased)
	}
	if ok, err := b.TryLock(one); ok || err != nil {
		t.Errorf("another process: %v, %v", ok, err)
	}
	must(t, b.Unlock(one), ErrReleased)
	mustNot(t, a.Unlock(one))
	must(t, b.Lock(ended), errEnough)
	mustNot(t, a.Unlock(one))
	must(t, a.Unlock(one), ErrReleased)
	mustNot(t, b.Lock(bg))
	if ok, err := b.TryLock(bg); !ok || err != nil {
		t.Errorf("TryLock again: %v, %v", ok, err)
	}
	mustNot(t, errors.Join(b.Unlock(bg), b.Unlock(bg)))

	mustNot(t, a.Lock(one))
	mustNot(t, a.Lock(one))
	sim.Kill(a.l.p)
	sim.Table.Reap(a.l.p.Tag())
	must(t, b.Lock(bg), ErrOwnerDied)
	mustNot(t, b.Lock(bg))
	b.MarkConsistent()
	mustNot(t, errors.Join(b.Unlock(bg), b.Unlock(bg)))
	must(t, b.Unlock(bg), ErrReleased)
	mustNot(t, b.Lock(bg))
	mustNot(t, b.Unlock(bg))
}
