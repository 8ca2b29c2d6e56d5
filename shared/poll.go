package shared

import "mrrun/internal/shm"

// pollAtOnce is how many processes a waiter asks after in one slice of its wait: each takes it some system calls.
const pollAtOnce = 8

// A poller asks in turn whether the processes that somebody waits for are alive, and reaps those that are not.
type poller struct {
	p    *shm.Process
	next int
}

// poll goes on where it has stopped; tag(i) is the i-th of n, and 0 is nobody.
func (k *poller) poll(n int, tag func(i int) shm.Tag) {
	last, asked := shm.Tag(0), 0
	for range n {
		if k.next >= n {
			k.next = 0
		}
		g := tag(k.next)
		k.next++
		if g == 0 || g == last {
			continue
		}
		last = g
		k.p.ReapIfDead(g)
		if asked++; asked == pollAtOnce {
			return
		}
	}
}
