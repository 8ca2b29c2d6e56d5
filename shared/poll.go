package shared

import "mrrun/internal/shm"

// pollAtOnce is how many processes a waiter checks in one slice of its wait: each check takes some
// system calls.
const pollAtOnce = 8

// A poller checks in turn whether the processes that another one waits for are alive, and reaps
// those that are not.
type poller struct {
	p    *shm.Process
	next int
}

// poll goes on where the last call stopped. tag(i) returns the i-th of n tags; 0 is no process.
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
