//go:build interleave

package shared

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"mrrun/internal/shm"
	"mrrun/internal/shm/interleave"
)

// lockModel is what must hold for a lock, whichever process dies, and whenever.
type lockModel struct {
	w     *interleave.World
	main  *Lock
	owner *shm.Process // the process between Lock and Unlock
	owed  bool         // a holder has died, and no process was told
}

func newLockModel(w *interleave.World) *lockModel {
	p, err := w.Sim.Process()
	if err != nil {
		panic(err)
	}
	l, err := newLock(p)
	if err != nil {
		panic(err)
	}
	return &lockModel{w: w, main: l}
}

func (m *lockModel) of(p *shm.Process) *Lock { return member{p, m.main.o}.lock() }

// cycle takes and releases the lock some times.
func (m *lockModel) cycle(times int) func(p *interleave.Proc) {
	return func(p *interleave.Proc) {
		l := m.of(p.Process)
		for range times {
			err := l.Lock(context.Background())
			m.enter(p.Process, err)
			if err != nil {
				l.MarkConsistent()
			}
			m.owner = nil
			l.Unlock()
		}
	}
}

func (m *lockModel) enter(p *shm.Process, err error) {
	if m.owner != nil {
		m.w.Fail("two processes hold the lock")
	}
	m.owner = p
	switch {
	case err == nil && m.owed:
		m.w.Fail("a holder has died, and the next was not told")
	case errors.Is(err, ErrOwnerDied) && !m.owed:
		m.w.Fail("told of a death that was none, or was reported before")
	case err != nil && !errors.Is(err, ErrOwnerDied):
		m.w.Fail("lock: %v", err)
	}
	m.owed = false
}

// killed is called after a process was killed.
func (m *lockModel) killed(p *interleave.Proc) {
	m.owed = m.owed || m.main.word.Load()&shm.TagMask == uint32(p.Tag())
	if m.owner == p.Process {
		m.owner = nil
	}
}

// check locks once more as a process that has seen nothing, after the dead processes were reaped.
func (m *lockModel) check() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*shm.Slice)
	defer cancel()
	err := m.main.Lock(ctx)
	if m.owed != errors.Is(err, ErrOwnerDied) || err != nil && !errors.Is(err, ErrOwnerDied) {
		return fmt.Errorf("a death is to be reported: %v; Lock returned %v", m.owed, err)
	}
	return nil
}

func TestLockInterleaved(t *testing.T) {
	explore := func(name string, o interleave.Options, processes, times int, reaper, reuse bool) {
		t.Run(name, func(t *testing.T) {
			interleave.Explore(t, o, func(w *interleave.World) func() error {
				m := newLockModel(w)
				for i := range processes {
					w.Go(fmt.Sprint("P", i+1), m.cycle(times), m.killed)
				}
				if reaper {
					w.Reaper(func() {
						if reuse {
							w.Go("again", m.cycle(1), m.killed)
						}
					})
				}
				return m.check
			})
		})
	}
	type opt = interleave.Options
	explore("two, nobody dies", opt{Switches: 4, Elapses: 1}, 2, 2, false, false)
	explore("three, nobody dies", opt{Switches: 2, Elapses: 1}, 3, 2, false, false)
	explore("two, one dies, no reaper", opt{Switches: 2, Kills: 1}, 2, 2, false, false)
	explore("two, one dies, reaper", opt{Switches: 2, Kills: 1}, 2, 1, true, false)
	explore("three, one dies, reaper", opt{Switches: 1, Kills: 1, Elapses: 1}, 3, 1, true, false)
	explore("two, reaper dies too", opt{Switches: 1, Kills: 2, KillReaper: true}, 2, 1, true, false)
	explore("slot is used again", opt{Switches: 2, Kills: 1}, 2, 1, true, true)
	explore("slot is used again, polling beside", opt{Switches: 40, Kills: 1, Timeouts: 1, Random: 15_000, Seed: 5}, 3, 2, true, true)
	explore("a wake-up is owed", opt{Switches: 40, Kills: 1, Random: 15_000, Seed: 6}, 3, 2, true, false)
	explore("random, reaper", opt{Switches: 40, Kills: 2, Timeouts: 2, Elapses: 4, Random: 3_000, Seed: 1}, 3, 3, true, true)
	explore("random, no reaper", opt{Switches: 40, Kills: 2, Elapses: 4, Random: 3_000, Seed: 2}, 3, 3, false, false)
	explore("random, reaper dies too", opt{Switches: 40, Kills: 3, KillReaper: true, Timeouts: 2, Elapses: 4, Random: 3_000, Seed: 3}, 4, 2, true, true)
}
