package shm

// Reap repairs what a process has left behind and frees its slot. The process must have ended.
// The process that waited for it calls Reap; others may do so too, at the same time or later, and
// any of them may die halfway: each repair may run twice, and touches only what bears the tag of
// the dead process.
func (t *Table) Reap(dead Tag) {
	s := t.slot(dead)
	if s == nil {
		return
	}
	generation := dead.generation()
	v := s.life.Load()
	for lifeGeneration(v) == generation && lifeState(v) != slotFree && lifeState(v) != slotDead {
		s.life.CompareAndSwap(v, lifeOf(generation, slotDead, 0))
		v = s.life.Load()
	}
	// Even if the slot is free or another process's by now: the process that freed it may not have
	// known all kinds of objects.
	t.repair(dead)
	if lifeGeneration(v) == generation && lifeState(v) == slotDead {
		t.wakeEdges(s)
		t.reclaimAll(s, dead.slot())
		t.deaths.Add(1)
		s.life.CompareAndSwap(v, lifeOf(generation+1, slotFree, 0))
	}
}

// repair calls the repair function of each object's kind.
func (t *Table) repair(dead Tag) {
	for o := range t.objects {
		if repair := repairs[o.Kind()]; repair != nil {
			repair(o, dead)
		}
	}
}

// wakeEdges wakes the processes that wait for an object in the dead process's edges: the dead
// process may have been the one that was woken, or the one that was about to wake another, at any
// of the object's words. The edges stay: the slot may belong to another process by now, which has
// cleared them itself.
func (t *Table) wakeEdges(s *slot) {
	for i := range s.edges {
		if unit := s.edges[i].Load(); unit != 0 {
			if o, ok := t.object(unit &^ edgeOwes); ok {
				o.wakeAll()
			}
		}
	}
}
