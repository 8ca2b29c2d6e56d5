package shared

import (
	"context"
	"errors"
	"math/rand/v2"
	"os/exec"
	"sync"
	"testing"
	"time"

	"mrrun/internal/shm"
)

// everything is one object of each kind. They are found from the object of the cond, whose cold
// words name the others. The words that the event's object does not use hold the shared counters.
type everything struct {
	s *Semaphore
	e *Event
	b *Barrier
	c *Cond
	r *RLock

	x, y, tick, laps, deaths *shm.Word64 // x and y are equal, except while the lock's holder changes them
}

func everythingOf(p *shm.Process, o shm.Object) *everything {
	object := func(i int, k shm.Kind) member {
		v := o.Cold(i).Load()
		h := shm.Handle{Table: o.Handle().Table, Kind: k, Unit: uint32(v), Generation: uint32(v >> 32)}
		found, err := p.Table().Open(h, k)
		if err != nil {
			panic(err)
		}
		return member{p, found}
	}
	all := &everything{s: object(1, kindSemaphore).semaphore(), e: object(2, kindEvent).event(),
		b: object(3, kindBarrier).barrier(), c: member{p, o}.cond(object(0, kindLock).lock()),
		r: object(4, kindRLock).rlock()}
	words := all.e.o.Cold
	all.x, all.y, all.tick, all.laps, all.deaths = words(0), words(1), words(2), words(3), words(4)
	return all
}

// locked checks and repairs what the lock guards, x and y.
func (a *everything) locked(err error) {
	switch {
	case errors.Is(err, ErrOwnerDied):
		a.deaths.Add(1)
		a.y.Store(a.x.Load())
		a.c.Broadcast()
		a.c.l.MarkConsistent()
	case err != nil:
		panic(err)
	case a.x.Load() != a.y.Load():
		panic("a death was not reported, or two processes hold the lock")
	}
}

// again locks the RLock twice; it guards nothing.
func (a *everything) again(ctx context.Context) {
	for depth := range 2 {
		if err := a.r.Lock(ctx); errors.Is(err, ErrOwnerDied) && depth == 0 {
			a.r.MarkConsistent()
		} else if err != nil {
			panic(err)
		}
	}
	for range 2 {
		if err := a.r.Unlock(ctx); err != nil {
			panic(err)
		}
	}
}

// lap uses each object once. What it waits for comes within 10 s, unless a wake-up or a permit was
// lost.
func (a *everything) lap() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	check := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	check(a.s.Acquire(ctx))
	a.locked(a.c.l.Lock(ctx))
	a.x.Add(1)
	busy(50 * time.Microsecond)
	a.y.Add(1)
	a.c.l.Unlock()
	check(a.s.Release())

	a.again(ctx)
	check(a.e.Wait(ctx))

	a.locked(a.c.l.Lock(ctx))
	for seen := a.tick.Load(); a.tick.Load() == seen; {
		a.locked(a.c.Wait(ctx))
	}
	a.c.l.Unlock()

	if _, err := a.b.Wait(ctx); errors.Is(err, ErrBroken) && ctx.Err() == nil {
		if a.b.Broken() {
			a.b.Reset()
		}
	} else {
		check(err)
	}
	a.laps.Add(1)
}

func lapsForEver(p *shm.Process, o shm.Object) {
	for a := everythingOf(p, o); ; {
		a.lap()
	}
}

// Processes are killed at random while they use one object of each kind.
func TestEverythingSurvivesKills(t *testing.T) {
	const kills, permits, parties, runners = 1000, 2, 2, 4
	s, err := NewBoundedSemaphore(permits, Tracked())
	mustNot(t, err)
	e, err := NewEvent()
	mustNot(t, err)
	b, err := NewBarrier(parties)
	mustNot(t, err)
	l := mustLock(t)
	c, err := NewCond(l)
	mustNot(t, err)
	r, err := NewRLock()
	mustNot(t, err)
	for i, m := range []member{s.member, e.member, b.member, r.l.member} {
		h := m.o.Handle()
		c.o.Cold(i + 1).Store(uint64(h.Generation)<<32 | uint64(h.Unit))
		t.Cleanup(func() { m.close() })
	}
	t.Cleanup(func() { c.Close() })
	a := everythingOf(c.p, c.o)

	stop := make(chan bool)
	var beat sync.WaitGroup
	beat.Go(func() { // what the others wait for
		for {
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Microsecond):
			}
			e.Set()
			e.Clear()
			a.locked(l.Lock(context.Background()))
			a.tick.Add(1)
			c.Broadcast()
			l.Unlock()
		}
	})
	type running struct {
		cmd *exec.Cmd
		tag shm.Tag
	}
	slots := map[int]bool{}
	start := func() running {
		cmd, tag, _ := startHelper(t, "laps", c.o)
		slots[tag.Slot()] = true
		return running{cmd, tag}
	}
	end := func(r running) {
		r.cmd.Process.Kill()
		r.cmd.Wait()
		if s := r.cmd.ProcessState.String(); s != "signal: killed" {
			t.Errorf("a helper ended by itself: %s", s)
		}
		l.p.Table().Reap(r.tag)
	}
	var all []running
	for range runners {
		all = append(all, start())
	}
	random := rand.New(rand.NewPCG(5, 5))
	for range kills {
		i := random.IntN(runners)
		time.Sleep(time.Duration(random.IntN(2000)) * time.Microsecond) // so that the kill comes anywhere
		end(all[i])
		before := a.laps.Load()
		all[i] = start()
		waitUntil(t, func() bool { time.Sleep(50 * time.Microsecond); return t.Failed() || a.laps.Load() > before })
		if t.Failed() {
			break
		}
	}
	for _, r := range all {
		end(r)
	}
	close(stop)
	beat.Wait()
	if s.Value() != permits || c.waiting() != 0 {
		t.Errorf("%d of %d permits are free, and %d wait at the cond, when all are dead", s.Value(), permits, c.waiting())
	}
	t.Logf("%d laps, %d of %d killed while they held the lock, in %d slots", a.laps.Load(), a.deaths.Load(), kills, len(slots))
	if a.deaths.Load() == 0 {
		t.Error("no process was killed while it held the lock")
	}
	if len(slots) > runners+2 {
		t.Errorf("%d slots were used for processes of which %d ran at a time", len(slots), runners)
	}
}
