package shm

// Arrivals returns a number that changes whenever something has arrived that p keeps for others until then.
func (p *Process) Arrivals() uint32 { return p.slot.arrivals.Load() }

// AwaitArrival waits until [Process.Arrivals] is not what it was, for a [Slice] at most. One goroutine at a time may wait.
func (p *Process) AwaitArrival(was uint32) { p.slot.arrivals.Wait(was, Slice) }

// Announce has a process look for what has arrived.
func (t *Table) Announce(sender Tag) {
	if s := t.slot(sender); s != nil {
		s.arrivals.Add(1) // it may be another's slot by now, who looks in vain
		s.arrivals.WakeAll()
	}
}
