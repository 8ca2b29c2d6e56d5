package schedule

// A callQueue holds calls in the order in which they are served.
type callQueue struct{ first, last *Call }

func (q *callQueue) pushBack(c *Call) {
	if c.queued {
		return
	}
	c.queued, c.prev = true, q.last
	if q.last != nil {
		q.last.succ = c
	} else {
		q.first = c
	}
	q.last = c
}

// pushFront puts back a call that has been served before.
func (q *callQueue) pushFront(c *Call) {
	if c.queued {
		return
	}
	c.queued, c.succ = true, q.first
	if q.first != nil {
		q.first.prev = c
	} else {
		q.last = c
	}
	q.first = c
}

func (q *callQueue) remove(c *Call) {
	if !c.queued {
		return
	}
	if c.prev != nil {
		c.prev.succ = c.succ
	} else {
		q.first = c.succ
	}
	if c.succ != nil {
		c.succ.prev = c.prev
	} else {
		q.last = c.prev
	}
	c.queued, c.prev, c.succ = false, nil, nil
}
