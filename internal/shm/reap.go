package shm

// Reap repairs what a process has left behind and frees its slot. The process must have ended. Whoever waited for it
// calls this; it is no matter when others do so too, at once or later, or when one of them dies on the way: each repair
// may be done twice, and touches nothing but what bears the tag of the dead.
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
	// Even if the slot is free or another's by now: whoever freed it may not have known all kinds of objects.
	t.repair(dead)
	if lifeGeneration(v) == generation && lifeState(v) == slotDead {
		t.wakeEdges(s)
		t.reclaimAll(s, dead.slot())
		t.deaths.Add(1)
		s.life.CompareAndSwap(v, lifeOf(generation+1, slotFree, 0))
	}
}

// repair has each object repaired by its kind.
func (t *Table) repair(dead Tag) {
	for o := range t.objects {
		if repair := repairs[o.Kind()]; repair != nil {
			repair(o, dead)
		}
	}
}

// wakeEdges wakes those that wait for what the dead process has in its edges: it may have been the one that was woken, or
// the one that was about to wake another. It may have had any of the object's words in mind. The edges stay: the slot may be
// another's by now, which has cleared them itself.
func (t *Table) wakeEdges(s *slot) {
	for i := range s.edges {
		if unit := s.edges[i].Load(); unit != 0 {
			if o, ok := t.object(unit &^ edgeOwes); ok {
				o.wakeAll()
			}
		}
	}
}
