package shm

// Alive reports whether the process may still run. A reserved slot counts as alive while the
// process that reserved it is. Alive makes some system calls, which take 10 to 30 µs.
func (t *Table) Alive(g Tag) bool {
	s := t.slot(g)
	if s == nil {
		return false
	}
	v := s.life.Load()
	if lifeGeneration(v) != g.generation() {
		return false
	}
	switch lifeState(v) {
	case slotReserved:
		return t.Alive(Tag(v & TagMask))
	case slotReady:
		return t.lives(lifePID(v), lifeStart(v))
	}
	return false
}

// PID returns the process id of g, or 0 if g has ended or has not entered the table yet.
func (t *Table) PID(g Tag) int {
	if s := t.slot(g); s != nil {
		if v := s.life.Load(); lifeGeneration(v) == g.generation() && lifeState(v) == slotReady {
			return lifePID(v)
		}
	}
	return 0
}

// Reaped reports whether what the process left was repaired and its slot freed.
func (t *Table) Reaped(g Tag) bool {
	s := t.slot(g)
	return s == nil || lifeGeneration(s.life.Load()) != g.generation()
}

// Part notes that a process is about to exit and uses nothing any more, though it was not reaped.
// [Table.Reap] must follow.
func (t *Table) Part(g Tag) {
	if s := t.slot(g); s != nil {
		s.parted.Store(uint32(g))
	}
}

// Ended reports whether the process has parted, or was reaped.
func (t *Table) Ended(g Tag) bool {
	s := t.slot(g)
	return t.Reaped(g) || s.parted.Load() == uint32(g)
}

// collect reaps every dead process that was not reaped yet.
func (t *Table) collect() {
	for i := range t.usedSlots() {
		v := t.slots[i].life.Load()
		if g := tagOf(i, lifeGeneration(v)); lifeState(v) != slotFree && !t.Alive(g) {
			t.Reap(g)
		}
	}
}
