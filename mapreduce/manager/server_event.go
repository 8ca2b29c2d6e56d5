package manager

import "sync"

type eventObject struct {
	mu   sync.Mutex
	on   bool
	line line
}

func (o *eventObject) leave(*session) {}

var eventOps = ops[*eventObject]{
	{opSet, (*eventObject).set},
	{opClear, (*eventObject).clear},
	{opIsSet, (*eventObject).isSet},
	{opWait, (*eventObject).wait},
}

func (o *eventObject) call(r *request) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return eventOps.run(o, r, "event")
}

func (o *eventObject) set(*request) error {
	o.on = true
	o.line.all(nil)
	return nil
}

func (o *eventObject) clear(*request) error {
	o.on = false
	return nil
}

func (o *eventObject) isSet(r *request) error { return r.flag(o.on) }

func (o *eventObject) wait(r *request) error {
	if o.on {
		return nil
	}
	return o.line.await(r, &o.mu)
}
