package shm

import "sync/atomic"

// maxEdges is how many objects a process can be noted to wait for. If it waits for more, no repair
// is wrong, but waiters for the same object may sleep up to a [Slice] longer after its death.
const maxEdges = 8

const edgeOwes = 1 << 31 // the process does not wait for the object, but owes its waiters a wake-up

// An Edge of the wait-for graph notes that a process waits for an object. Goroutines must not share
// it.
type Edge struct{ word *Word }

// Waits notes in the process's slot that it waits for o, until the edge is cleared. It must come
// before the first operation whose effect others have to make up for if the process dies: they then
// wake all that wait for o.
func (p *Process) Waits(o Object) Edge { return p.edge(o.unit) }

// Owes notes that the process owes a waiter for o a wake-up. It must come before the operation that
// makes the wake-up necessary.
func (p *Process) Owes(o Object) Edge { return p.edge(o.unit | edgeOwes) }

func (p *Process) edge(v uint32) Edge {
	for i := range p.slot.edges {
		if w := &p.slot.edges[i]; w.Load() == 0 && w.CompareAndSwap(0, v) {
			return Edge{w}
		}
	}
	return Edge{}
}

// Clear removes the note.
func (e Edge) Clear() {
	if e.word != nil {
		e.word.Store(0)
	}
}

// clear removes what the slot's previous process noted.
func (t *Table) clear(s *slot, number int) {
	for i := range s.edges {
		s.edges[i].Store(0)
	}
	s.dropping.Store(0)
	s.parted.Store(0)
	t.clearRow(s, number)
	for i := range s.site {
		atomic.StoreUint64(&s.site[i].v, 0)
	}
}

// WaitsFor calls f with each waiting process and each object that it waits for; where is the site
// it noted last. All of that may change meanwhile.
func (t *Table) WaitsFor(f func(who Tag, o Object, where string)) {
	for i := range t.usedSlots() {
		s := &t.slots[i]
		v := s.life.Load()
		if lifeState(v) != slotReady {
			continue
		}
		for j := range s.edges {
			if unit := s.edges[j].Load(); unit != 0 && unit&edgeOwes == 0 {
				if o, ok := t.object(unit); ok {
					f(tagOf(i, lifeGeneration(v)), o, text(s.site[:]))
				}
			}
		}
	}
}
