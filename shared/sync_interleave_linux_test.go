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

type opt = interleave.Options

// first returns the process that makes the objects that the others use. It takes no part itself.
func first(w *interleave.World) *shm.Process {
	p, err := w.Sim.Process()
	if err != nil {
		panic(err)
	}
	return p
}

func explored[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A semaphore never has more holders than permits, and a tracked one has all of its permits in the
// end, whichever process dies.
func TestSemaphoreInterleaved(t *testing.T) {
	explore := func(name string, o opt, processes, permits, times int, tracked, reaper, reuse bool) {
		t.Run(name, func(t *testing.T) {
			interleave.Explore(t, o, func(w *interleave.World) func() error {
				var opts []SemaphoreOption
				if tracked {
					opts = append(opts, Tracked())
				}
				s := explored(newSemaphore(first(w), permits, permits, opts...))
				holders := map[*shm.Process]bool{}
				cycle := func(p *interleave.Proc) {
					s := member{p.Process, s.o}.semaphore()
					for range times {
						if err := s.Acquire(context.Background()); err != nil {
							w.Fail("acquire: %v", err)
						}
						if holders[p.Process] = true; len(holders) > permits {
							w.Fail("%d have one of %d permits", len(holders), permits)
						}
						delete(holders, p.Process)
						if err := s.Release(); err != nil {
							w.Fail("release: %v", err)
						}
					}
				}
				killed := func(p *interleave.Proc) { delete(holders, p.Process) }
				for i := range processes {
					w.Go(fmt.Sprint("P", i+1), cycle, killed)
				}
				if reaper {
					w.Reaper(func() {
						if reuse {
							w.Go("again", cycle, killed)
						}
					})
				}
				return func() error {
					ctx, cancel := context.WithTimeout(context.Background(), 20*shm.Slice)
					defer cancel()
					for i := range permits {
						if err := s.Acquire(ctx); err != nil {
							return fmt.Errorf("%d of %d permits are left", i, permits)
						}
					}
					if s.Value() != 0 {
						return errors.New("there are more permits than before")
					}
					return nil
				}
			})
		})
	}
	explore("plain", opt{Switches: 3, Elapses: 1}, 2, 1, 2, false, false, false)
	explore("plain, three", opt{Switches: 2, Elapses: 1}, 3, 1, 1, false, false, false)
	explore("plain, two of three", opt{Switches: 40, Elapses: 3, Random: 3000, Seed: 1}, 4, 2, 2, false, false, false)
	explore("tracked", opt{Switches: 2, Kills: 1}, 2, 1, 1, true, true, false)
	explore("tracked, no reaper", opt{Switches: 2, Kills: 1}, 2, 1, 1, true, false, false)
	explore("tracked, slot is used again", opt{Switches: 1, Kills: 1}, 2, 1, 1, true, true, true)
	explore("tracked, polling beside", opt{Switches: 40, Kills: 1, Timeouts: 1, Random: 4000, Seed: 2}, 3, 1, 2, true, true, true)
	explore("tracked, reaper dies too", opt{Switches: 40, Kills: 3, KillReaper: true, Timeouts: 2, Elapses: 3, Random: 3000, Seed: 3}, 4, 2, 2, true, true, true)
	explore("tracked, no reaper, random", opt{Switches: 40, Kills: 2, Elapses: 3, Random: 2000, Seed: 4}, 4, 2, 2, true, false, false)
}

// All waiters go on when an event is set, even if it is cleared at once, and even if the process
// that sets it is killed meanwhile.
func TestEventInterleaved(t *testing.T) {
	explore := func(name string, o opt, waiters int, reaper bool) {
		t.Run(name, func(t *testing.T) {
			interleave.Explore(t, o, func(w *interleave.World) func() error {
				e := explored(newEvent(first(w)))
				for i := range waiters {
					w.Go(fmt.Sprint("W", i+1), func(p *interleave.Proc) {
						if err := (member{p.Process, e.o}).event().Wait(context.Background()); err != nil {
							w.Fail("wait: %v", err)
						}
					}, nil)
				}
				// The event is set and cleared as long as a waiter may come later, and the last
				// time only set.
				var again func(*interleave.Proc)
				set := func(p *interleave.Proc) {
					e := member{p.Process, e.o}.event()
					e.Set()
					e.Clear()
					e.Set()
				}
				again = func(*interleave.Proc) { w.Go("S", set, again) }
				w.Go("S", set, again)
				if reaper {
					w.Reaper(nil)
				}
				return func() error { return nil }
			})
		})
	}
	explore("nobody dies", opt{Switches: 2}, 2, false)
	explore("one dies", opt{Switches: 1, Kills: 1}, 1, true)
	explore("one dies, no reaper", opt{Switches: 1, Kills: 1}, 1, false)
	explore("random", opt{Switches: 40, Kills: 2, KillReaper: true, Timeouts: 1, Random: 3000, Seed: 1}, 3, true)
}

// Each round is complete for all parties or for none, and a death breaks the barrier for those that
// wait.
func TestBarrierInterleaved(t *testing.T) {
	explore := func(name string, o opt, parties, rounds int, reaper, reuse bool) {
		t.Run(name, func(t *testing.T) {
			interleave.Explore(t, o, func(w *interleave.World) func() error {
				b := explored(newBarrier(first(w), parties))
				came := make([]int, rounds+1)
				deaths := 0
				body := func(p *interleave.Proc) {
					b := member{p.Process, b.o}.barrier()
					for r := range rounds {
						came[r]++
						switch _, err := b.Wait(context.Background()); {
						case err == nil && came[r] < parties:
							w.Fail("%s goes on in round %d when %d of %d have come", p.Name, r, came[r], parties)
						case err != nil && deaths == 0:
							w.Fail("%s: %v, and nobody has died", p.Name, err)
						case err != nil && !errors.Is(err, ErrBroken):
							w.Fail("%s: %v", p.Name, err)
						case err != nil:
							return
						}
					}
				}
				for i := range parties {
					w.Go(fmt.Sprint("P", i+1), body, func(p *interleave.Proc) {
						if deaths++; b.members[p.Tag().Slot()].Load() == 0 {
							b.Abort() // it has never come, so no process can know of it
						}
					})
				}
				if reaper {
					w.Reaper(func() {
						if reuse {
							w.Go("again", func(p *interleave.Proc) {
								if _, err := (member{p.Process, b.o}).barrier().Wait(context.Background()); !errors.Is(err, ErrBroken) {
									w.Fail("%v after a death", err)
								}
							}, nil)
						}
					})
				}
				return func() error {
					if deaths == 0 && (b.Broken() || b.Waiting() != 0) {
						return fmt.Errorf("broken: %v, %d wait", b.Broken(), b.Waiting())
					}
					return nil
				}
			})
		})
	}
	explore("nobody dies", opt{Switches: 3}, 2, 2, false, false)
	explore("one dies", opt{Switches: 0, Kills: 1}, 2, 2, true, false)
	explore("one dies, no reaper", opt{Switches: 0, Kills: 1}, 2, 2, false, false)
	explore("slot is used again", opt{Switches: 40, Kills: 1, Random: 2000, Seed: 3}, 2, 2, true, true)
	explore("random", opt{Switches: 40, Kills: 2, KillReaper: true, Timeouts: 1, Random: 2000, Seed: 1}, 3, 3, true, false)
	explore("random, no reaper", opt{Switches: 40, Kills: 1, Random: 2000, Seed: 2}, 3, 3, false, false)
}

// Consumers wait until there is something for each, and as much comes bit by bit with one
// notification each. A process that dies may take its part along, but no more, and the
// notifications for what it has not taken are not lost.
func TestCondInterleaved(t *testing.T) {
	explore := func(name string, o opt, consumers int, reaper bool) {
		t.Run(name, func(t *testing.T) {
			interleave.Explore(t, o, func(w *interleave.World) func() error {
				l := explored(newLock(first(w)))
				main := explored(NewCond(l))
				of := func(p *shm.Process) *Cond { return member{p, main.o}.cond(member{p, l.o}.lock()) }
				stock := l.o.Cold(0)
				lock := func(c *Cond, err error) {
					if errors.Is(err, ErrOwnerDied) {
						c.Broadcast() // the dead process may not have notified
						c.l.MarkConsistent()
					} else if err != nil {
						w.Fail("%v", err)
					}
				}
				for i := range consumers {
					w.Go(fmt.Sprint("C", i+1), func(p *interleave.Proc) {
						c := of(p.Process)
						lock(c, c.l.Lock(context.Background()))
						for stock.Load() == 0 {
							lock(c, c.Wait(context.Background()))
						}
						stock.Store(stock.Load() - 1)
						c.l.Unlock()
					}, nil)
				}
				produce := func(p *interleave.Proc) {
					c := of(p.Process)
					for range consumers {
						lock(c, c.l.Lock(context.Background()))
						stock.Store(stock.Load() + 1)
						c.Notify(1)
						c.l.Unlock()
					}
				}
				var again func(*interleave.Proc)
				again = func(*interleave.Proc) { w.Go("Q", produce, again) }
				w.Go("P", produce, again)
				if reaper {
					w.Reaper(nil)
				}
				return func() error { return nil }
			})
		})
	}
	explore("one", opt{Switches: 3}, 1, false)
	explore("one dies", opt{Switches: 0, Kills: 1}, 1, true)
	explore("one dies, no reaper", opt{Switches: 0, Kills: 1}, 1, false)
	explore("two", opt{Switches: 40, Random: 2000, Seed: 4}, 2, false)
	explore("random", opt{Switches: 40, Kills: 1, Timeouts: 1, Random: 3000, Seed: 1}, 3, true)
	explore("random, no reaper", opt{Switches: 40, Kills: 1, Random: 2000, Seed: 2}, 3, false)
	explore("random, reaper dies too", opt{Switches: 40, Kills: 2, KillReaper: true, Timeouts: 2, Random: 2000, Seed: 3}, 3, true)
}
