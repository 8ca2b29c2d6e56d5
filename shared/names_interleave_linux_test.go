//go:build interleave

package shared

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"mrrun/internal/shm"
	"mrrun/internal/shm/interleave"
)

// namesModel is what must hold for a name, whichever process dies, and whenever.
type namesModel struct {
	w     *interleave.World
	main  *shm.Process
	owner *Array[int] // of a live process that has not begun to close it
	all   []*shm.Process
}

func newNamesModel(w *interleave.World) *namesModel {
	p, err := w.Sim.Process()
	if err != nil {
		panic(err)
	}
	return &namesModel{w: w, main: p}
}

// cycle creates an array under the name, and closes it if it got one.
func (m *namesModel) cycle(closes bool) func(p *interleave.Proc) {
	return func(p *interleave.Proc) {
		m.all = append(m.all, p.Process)
		a, err := create[int](p.Process, "name", 1)
		if errors.Is(err, ErrExists) {
			return
		}
		if err != nil {
			m.w.Fail("create: %v", err)
		}
		if m.owner != nil {
			m.w.Fail("two processes have one name")
		}
		m.owner = a
		if closes {
			m.owner = nil
			a.Close()
		}
	}
}

func (m *namesModel) killed(p *interleave.Proc) {
	if m.owner != nil && m.owner.p == p.Process {
		m.owner = nil
	}
}

// check creates the name once more.
func (m *namesModel) check() error {
	defer m.unmap()
	a, err := create[int](m.main, "name", 1)
	if err == nil {
		a.Close()
	}
	if m.owner != nil {
		if !errors.Is(err, ErrExists) {
			return fmt.Errorf("create a name that is in use: %v", err)
		}
		return nil
	}
	return err
}

// unmap unmaps what killed processes have left, so that thousands of runs can follow each other.
func (m *namesModel) unmap() {
	for _, o := range slices.Collect(m.w.Sim.Table.Objects(kindArray)) {
		for _, p := range m.all {
			if s, err := p.Attach(o, false); err == nil {
				_ = s.End()
			}
		}
	}
}

func TestNamesInterleaved(t *testing.T) {
	for _, closes := range []bool{false, true} {
		for _, o := range []interleave.Options{
			{Switches: 1},
			{Switches: 1, Kills: 1, Random: 2000, Seed: 1},
			{Switches: 20, Kills: 1, Random: 2000, Seed: 2},
			{Switches: 20, Kills: 2, KillReaper: true, Timeouts: 1, Random: 2000, Seed: 3},
		} {
			t.Run(fmt.Sprintf("closes %v, %+v", closes, o), func(t *testing.T) {
				interleave.Explore(t, o, func(w *interleave.World) func() error {
					m := newNamesModel(w)
					for i := range 3 {
						w.Go(fmt.Sprint("P", i+1), m.cycle(closes), m.killed)
					}
					if o.Kills > 0 {
						w.Reaper(nil)
					}
					return m.check
				})
			})
		}
	}
}
