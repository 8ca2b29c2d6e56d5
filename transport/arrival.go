package transport

// An Arrival is something to wait for: see [PipeEnd.Arrival].
type Arrival struct{ done chan struct{} }

// Done returns a channel that is closed as soon as Recv has something to return.
func (a *Arrival) Done() <-chan struct{} { return a.done }

// Arrival returns what can be waited for together with other things, in a select or by mapreduce.WaitAny: that Recv has
// something to return, be it [io.EOF] or an error. It does not block. A later one of the same end is for what comes after.
// Close ends the wait.
func (e *PipeEnd[T]) Arrival() *Arrival {
	e.check()
	p := e.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.arrival == nil || p.arrival.isOver() {
		p.arrival = &Arrival{make(chan struct{})}
		e.await(p.arrival)
	}
	return p.arrival
}

func (a *Arrival) isOver() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// await closes the channel when it is time, and before it returns if that is now.
func (e *PipeEnd[T]) await(a *Arrival) {
	if e.conn.receiving.TryLock() {
		ready, err := e.poll(0)
		e.conn.receiving.Unlock()
		if ready || err != nil {
			close(a.done)
			return
		}
	}
	go func() {
		_, _ = e.Poll(-1) // an error is what Recv will return, too
		close(a.done)
	}()
}
