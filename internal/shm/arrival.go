package shm

// Arrivals returns a number that changes whenever something has arrived elsewhere that p keeps
// until then.
func (p *Process) Arrivals() uint32 { return p.slot.arrivals.Load() }

// AwaitArrival waits until [Process.Arrivals] differs from was, or for a [Slice] at most. Only one
// goroutine at a time may wait.
func (p *Process) AwaitArrival(was uint32) { p.slot.arrivals.Wait(was, Slice) }

// Announce tells the sender that something it keeps has arrived.
func (t *Table) Announce(sender Tag) {
	if s := t.slot(sender); s != nil {
		s.arrivals.Add(1) // the slot may belong to another process by now, which looks in vain
		s.arrivals.WakeAll()
	}
}
