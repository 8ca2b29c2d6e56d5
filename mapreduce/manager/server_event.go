package manager

import "sync"

type eventObject struct {
	mu   sync.Mutex
	on   bool
	line line
}

func (o *eventObject) leave(*session) {}

var eventOps = ops[*eventObject]{
	opSet:   (*eventObject).set,
	opClear: (*eventObject).clear,
	opIsSet: (*eventObject).isSet,
	opWait:  (*eventObject).wait,
}

func (o *eventObject) call(c *call) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return eventOps.run(o, c, "event")
}

func (o *eventObject) set(*call) error {
	o.on = true
	o.line.all(nil)
	return nil
}

func (o *eventObject) clear(*call) error {
	o.on = false
	return nil
}

func (o *eventObject) isSet(c *call) error { return c.flag(o.on) }

func (o *eventObject) wait(c *call) error {
	if o.on {
		return nil
	}
	return o.line.await(c, &o.mu)
}
