//go:build interleave

package shm_test

import (
	"errors"
	"fmt"
	"testing"

	"mrrun/internal/shm"
	"mrrun/internal/shm/interleave"
)

// An object is sent from process to process, any of which may die at any point. The object exists
// for each process that has it, or takes it out of a message that is under way; when all have
// dropped it and no process was killed, it is gone.
func TestHavingInterleaved(t *testing.T) {
	explore := func(name string, o interleave.Options, receivers int, reaper bool) {
		t.Run(name, func(t *testing.T) {
			interleave.Explore(t, o, func(w *interleave.World) func() error {
				var o shm.Object
				var messages []shm.Object // under way
				killed := 0
				kill := func(*interleave.Proc) { killed++ }
				use := func(p *interleave.Proc) {
					if !o.Valid() {
						w.Fail("%s has it, and it is gone", p.Name)
					}
				}
				send := func(p *interleave.Proc) {
					if !o.Depart() {
						w.Fail("%s has it, and cannot send it", p.Name)
					}
					messages = append(messages, o)
				}
				w.Go("maker", func(p *interleave.Proc) {
					made, err := p.Allocate(15, 0)
					if err != nil {
						w.Fail("%v", err)
					}
					o = made
					for range receivers {
						send(p)
					}
					use(p)
					p.Drop(o)
				}, kill)
				for i := range receivers {
					w.Go(fmt.Sprint("R", i+1), func(p *interleave.Proc) {
						if len(messages) == 0 {
							return
						}
						got := messages[0]
						messages = messages[1:]
						if err := p.Have(got); err != nil {
							w.Fail("%s receives it: %v", p.Name, err)
						}
						got.Arrived()
						use(p)
						if i == 0 { // it goes on
							send(p)
						}
						p.Drop(got)
					}, kill)
				}
				if reaper {
					w.Reaper(nil)
				}
				return func() error {
					last, err := w.Sim.Process()
					if err != nil {
						return err
					}
					for _, got := range messages {
						if err := last.Have(got); err != nil {
							return fmt.Errorf("a message is left, and what it refers to is gone: %w", err)
						}
						got.Arrived()
					}
					if len(messages) > 0 {
						last.Drop(messages[0])
					}
					if killed == 0 && o != (shm.Object{}) && o.Valid() {
						return errors.New("nobody has it any more, and it is there still")
					}
					return shm.CheckChain(w.Sim.Table)
				}
			})
		})
	}
	type opt = interleave.Options
	explore("one receiver", opt{Switches: 3}, 1, false)
	explore("two receivers", opt{Switches: 2}, 2, false)
	explore("one dies", opt{Switches: 1, Kills: 1}, 1, true)
	explore("two, one dies", opt{Switches: 1, Kills: 1}, 2, true)
	explore("random", opt{Switches: 50, Kills: 2, KillReaper: true, Random: 4000, Seed: 9}, 3, true)
}
