package shm

import "fmt"

// CheckChain reports what is wrong with the sizes of the objects and the lists of free ones. They
// must not change meanwhile.
func CheckChain(t *Table) error {
	begins := map[uint32]bool{}
	n := uint32(1)
	for n < t.used.Load() {
		units := t.units[n].units.Load()
		if units == 0 {
			return fmt.Errorf("unit %d has no size, and the mark is %d", n, t.used.Load())
		}
		begins[n] = true
		n += units
	}
	if n != t.used.Load() {
		return fmt.Errorf("the last object ends at %d, and the mark is %d", n, t.used.Load())
	}
	listed := map[uint32]bool{}
	for k := range t.free {
		for class := range t.free[k] {
			for n := uint32(t.free[k][class].Load()); n != 0; n = uint32(t.units[n].next.Load()) {
				switch {
				case listed[n]:
					return fmt.Errorf("unit %d is free twice", n)
				case !begins[n]:
					return fmt.Errorf("unit %d is free and no object begins there", n)
				case uint32(t.units[n].identity.Load()) != 0:
					return fmt.Errorf("unit %d is free and in use", n)
				case t.units[n].units.Load() != 1<<class:
					return fmt.Errorf("unit %d has %d units and is among those of %d", n, t.units[n].units.Load(), 1<<class)
				}
				listed[n] = true
			}
		}
	}
	return nil
}

// Lives reports whether a process that started then still runs.
func Lives(pid int, start uint32) bool { return lives(pid, start) }

// StartOf returns when a process started.
func StartOf(pid int) uint32 { return startOf(pid) }

// Queued returns how many goroutines wait for their turn.
func Queued(p *Process, o Object) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.turns[o.unit].waiting.Len()
}
