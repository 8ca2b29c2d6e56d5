package mapreduce

import "fmt"

// AtPlace has all items of a call run at one place of the pool, 0 to [Procs] - 1, whichever worker is there. A pool runs one
// item at a time at each place, and the worker that takes over from one that ended has the same place: so it can stand for a
// device, a port or a folder. A task finds its own in [CurrentWorker]. Places without work stay idle, and there are no
// [Backups] of such a call. The call fails if the pool has no such place, or loses it by [Pool.Resize].
func AtPlace(n int) CallOption {
	return callFunc(func(o *callOptions) error {
		if n < 0 || n >= MaxProcs {
			return fmt.Errorf("mapreduce: AtPlace(%d): takes a place of the pool, from 0", n)
		}
		o.place = n + 1
		return nil
	})
}

// failMisplaced fails a call for a place that the pool does not have.
func (p *Pool) failMisplaced(c *call) bool {
	if c.state.place <= p.wanted {
		return false
	}
	p.fail(c, fmt.Errorf("mapreduce: %s: AtPlace(%d): the pool has %d workers", c.task.name, c.state.place-1, p.wanted))
	return true
}
