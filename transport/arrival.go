package transport

// An Arrival can be waited for, see [PipeEnd.Arrival].
type Arrival struct{ done chan struct{} }

// Done returns a channel that is closed as soon as Recv has something to return.
func (a *Arrival) Done() <-chan struct{} { return a.done }

// Arrival returns something to wait for together with other things, in a select or by
// mapreduce.WaitAny: it is done when Recv has something to return, be it [io.EOF] or an error.
// Arrival does not block. Once it is done, the next call returns a new one for what comes
// afterwards. Close ends the wait.
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

// await arranges for the channel to be closed, and closes it at once if Recv has something to
// return.
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
		_, _ = e.Poll(-1) // Recv will return the error, too
		close(a.done)
	}()
}
