//go:build interleave

package shm_test

import (
	"fmt"
	"testing"

	"mrrun/internal/shm"
	"mrrun/internal/shm/interleave"
)

// Processes allocate and free, and some die on the way: no two ever have the same memory, and the
// chain of objects stays intact.
func TestArenaInterleaved(t *testing.T) {
	explore := func(name string, o interleave.Options, processes, times int) {
		t.Run(name, func(t *testing.T) {
			interleave.Explore(t, o, func(w *interleave.World) func() error {
				owner := map[uint32]*interleave.Proc{} // by unit
				take := func(p *interleave.Proc, extra int) shm.Object {
					o, err := p.Allocate(15, extra)
					if err != nil {
						w.Fail("%v", err)
					}
					n := o.Handle().Unit
					if owner[n] != nil {
						w.Fail("%s and %s have unit %d", owner[n].Name, p.Name, n)
					}
					owner[n] = p
					return o
				}
				give := func(o shm.Object) {
					delete(owner, o.Handle().Unit)
					o.Free()
				}
				first, err := w.Sim.Process()
				if err != nil {
					t.Fatal(err)
				}
				a, err := first.Allocate(15, 0)
				b, err2 := first.Allocate(15, 0)
				if err != nil || err2 != nil {
					t.Fatal(err, err2)
				}
				b.Free()
				a.Free() // two are free, and a comes first
				for i := range processes {
					w.Go(fmt.Sprint("P", i+1), func(p *interleave.Proc) {
						for range times {
							a := take(p, 0)
							b := take(p, 128*(i/2))
							a.Hot(0).Store(uint32(p.Tag()))
							b.Hot(0).Store(uint32(p.Tag()))
							if a.Hot(0).Load() != uint32(p.Tag()) || b.Creator() != p.Tag() {
								w.Fail("%s: another has written into its objects", p.Name)
							}
							give(a)
							give(b)
						}
					}, nil)
				}
				return func() error { return shm.CheckChain(w.Sim.Table) }
			})
		})
	}
	type opt = interleave.Options
	explore("two", opt{Switches: 2}, 2, 1)
	explore("two, one dies", opt{Switches: 1, Kills: 1}, 2, 1)
	explore("random", opt{Switches: 50, Kills: 2, Random: 2000, Seed: 4}, 3, 5)
}
