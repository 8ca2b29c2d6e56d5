package shared

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// barriers returns one barrier as several processes have it.
func barriers(tb testing.TB, parties, processes int) []*Barrier {
	_, process := simulate(tb)
	b, err := newBarrier(process(), parties)
	mustNot(tb, err)
	all := []*Barrier{b}
	for len(all) < processes {
		all = append(all, had(process(), b.o).barrier())
	}
	return all
}

func waitUntil(tb testing.TB, f func() bool) {
	tb.Helper()
	for ctx := soon(tb); !f(); runtime.Gosched() {
		if ctx.Err() != nil {
			tb.Fatal("it does not come about")
		}
	}
}

func TestBarrierRounds(t *testing.T) {
	const parties, rounds = 4, 300
	all := barriers(t, parties, 2) // two goroutines in each process
	var wg sync.WaitGroup
	var places [rounds][parties]int
	var inRound, done atomic.Int64
	ctx := soon(t)
	for i := range parties {
		wg.Go(func() {
			for r := range rounds {
				place, err := all[i%2].WaitAction(ctx, func() {
					inRound.Store(int64(r))
					if n := done.Add(1); n != int64(r+1) {
						t.Errorf("round %d is the one after %d", r, n-1)
					}
				})
				if err != nil {
					t.Error(err)
					return
				}
				if inRound.Load() != int64(r) {
					t.Errorf("one goes on in round %d before the action", r)
				}
				places[r][i] = place
				if _, err := all[i%2].Wait(ctx); err != nil { // so that inRound does not change
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, p := range places {
		if slices.Sort(p[:]); p != [parties]int{0, 1, 2, 3} {
			t.Fatalf("places %v", p)
		}
	}
	if all[0].Waiting() != 0 || all[0].Parties() != parties {
		t.Errorf("%d of %d wait at the end", all[0].Waiting(), all[0].Parties())
	}
}

func TestBarrierBreaks(t *testing.T) {
	for name, breaks := range map[string]func(b *Barrier, cancel func()){
		"Abort": func(b *Barrier, _ func()) { b.Abort() },
		"Reset": func(b *Barrier, _ func()) { b.Reset() },
		"ctx":   func(_ *Barrier, cancel func()) { cancel() },
		"panic": func(b *Barrier, _ func()) {
			defer func() { _ = recover() }()
			_, _ = b.WaitAction(context.Background(), func() { panic("at the disco") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			all := barriers(t, 3, 3)
			ctx, cancel := context.WithCancelCause(context.Background())
			got := make(chan error)
			go func() { _, err := all[0].Wait(soon(t)); got <- err }()
			go func() { _, err := all[1].Wait(ctx); got <- err }()
			waitUntil(t, func() bool { return all[2].Waiting() == 2 })
			breaks(all[2], func() { cancel(errEnough) })
			err, other := <-got, <-got
			must(t, err, ErrBroken)
			must(t, other, ErrBroken)
			if name == "ctx" {
				must(t, errors.Join(err, other), errEnough)
			}
			if name != "Reset" {
				if !all[1].Broken() {
					t.Error("it is not broken")
				}
				_, err := all[2].Wait(context.Background())
				must(t, err, ErrBroken)
				all[2].Reset()
			}
			var wg sync.WaitGroup
			for _, b := range all {
				wg.Go(func() { _, err := b.Wait(soon(t)); must(t, err, nil) })
			}
			wg.Wait()
		})
	}
	if _, err := barriers(t, 1, 1)[0].Wait(ended); err != nil {
		t.Errorf("%v though the last has come", err)
	}
}

// The death of a member breaks the barrier, even if the member does not wait then; rounds that were
// complete stay so.
func TestBarrierDeath(t *testing.T) {
	for name, reap := range map[string]bool{"reaped": true, "found by polling": false} {
		t.Run(name, func(t *testing.T) {
			sim, process := simulate(t)
			a, err := newBarrier(process(), 2)
			mustNot(t, err)
			b := had(process(), a.o).barrier()
			got := make(chan error)
			wait := func(b *Barrier) { _, err := b.Wait(soon(t)); got <- err }
			go wait(a)
			go wait(b)
			mustNot(t, errors.Join(<-got, <-got))
			sim.Kill(a.p)
			if reap {
				sim.Table.Reap(a.p.Tag())
			}
			go wait(b)
			must(t, <-got, ErrBroken)
			b.Reset()
			again := had(process(), b.o).barrier()
			go wait(again)
			go wait(b)
			mustNot(t, errors.Join(<-got, <-got))
			sim.Table.Reap(a.p.Tag()) // late, or a second time
			if b.Broken() {
				t.Error("one that was no member since Reset has broken it")
			}
		})
	}
}

func TestRoundOutcome(t *testing.T) {
	r := round(5<<16 | 1)
	for name, c := range map[string]struct {
		now   round
		known bool
		err   error
	}{
		"goes on":                          {r + 1, false, nil},
		"complete":                         {r.complete(), true, nil},
		"broken":                           {r.broke(), true, ErrBroken},
		"reset":                            {r.reset(), true, ErrBroken},
		"complete, then broken":            {r.complete().broke(), true, nil},
		"complete twice, then reset":       {r.complete().complete().reset(), true, nil},
		"reset, then complete":             {r.reset().complete(), true, ErrBroken},
		"reset, complete and broken again": {r.reset().complete().broke(), true, ErrBroken},
	} {
		if known, err := r.outcome(c.now); known != c.known || err != c.err {
			t.Errorf("%s: %v, %v", name, known, err)
		}
	}
	last := round(0xffff << 16)
	if now := last.complete(); now.done() != 0 || now.breaks() != 0 {
		t.Errorf("%#x after the last of the numbers", now)
	}
	if now := round(0x7fff << 48).broke(); now.breaks() != 0 || !now.broken() {
		t.Errorf("%#x after the last of the breaks", now)
	}
}
