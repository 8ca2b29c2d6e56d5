package mapreduce

import "fmt"

// AtPlace runs all items of a call at one place of the pool, 0 to [Procs] - 1, whichever worker is
// there. A pool runs one item at a time at each place, and a worker that replaces another has the
// same place: so a place can stand for a device, a port or a folder. A task finds its own place in
// [CurrentWorker]. Places without work stay idle, and such a call has no [Backups]. The call fails
// if the pool has no such place, or loses it by [Pool.Resize].
func AtPlace(n int) CallOption {
	return callFunc(func(o *callOptions) error {
		if n < 0 || n >= MaxProcs {
			return fmt.Errorf("mapreduce: AtPlace(%d): takes a place of the pool, from 0", n)
		}
		o.place = n + 1
		return nil
	})
}

// failMisplaced fails a call for a place that the pool does not have, and reports whether it did.
func (s *supervisor) failMisplaced(c *call) bool {
	if c.state.Place <= s.wanted {
		return false
	}
	s.fail(c, fmt.Errorf("mapreduce: %s: AtPlace(%d): the pool has %d workers", c.task.name, c.state.Place-1, s.wanted))
	return true
}
