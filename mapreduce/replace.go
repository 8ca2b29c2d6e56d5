package mapreduce

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// A loss is a worker that died, and what it was doing.
type loss struct {
	link *link
	call *call // nil: it ran no item
	item int
}

// workerLost blames, and replaces.
func (p *Pool) workerLost(l *link, err error) {
	if l.spare {
		p.spareLost(l, err)
		return
	}
	if p.links[l.slot] != l {
		return // it was replaced, or is not wanted any more
	}
	if !l.ready {
		p.reports.add("mapreduce: a worker did not start", slog.Int("worker", l.id), slog.Any("error", err))
		p.startFailed(l.slot, err)
		return
	}
	loss := &loss{link: l}
	if loss.call, loss.item = l.running(); loss.call == nil {
		loss.call, loss.item = l.suspect()
	}
	if l.missed(loss.call, loss.item) {
		loss.call = nil // who has begun meanwhile is not to blame
	}
	p.numbers.Lost++
	loss.report(&p.reports)
	if loss.call == nil {
		p.dispatcher.lost(l.slot, nil, 0, false)
	} else {
		p.dispatcher.lost(l.slot, &loss.call.state, loss.item, l.final())
	}
	p.loss = loss
	p.act()
	p.loss = nil
	if loss.call == nil && l.reason == nil {
		if err := p.diedOf(l.lostError(-1, 0), time.Now()); err != nil {
			p.cancel(err)
			return
		}
	}
	switch {
	case l.slot >= p.wanted || p.released:
		p.put(l.slot, nil)
	case loss.call == nil && !l.answers:
		p.startFailed(l.slot, l.lostError(-1, 0))
	default:
		p.fill(l.slot)
	}
}

// startFailed tries again after a pause, unless it was so from the beginning or too often.
func (p *Pool) startFailed(slot int, err error) {
	p.failures++
	if !p.isUp() || p.failures >= maxFailures || errors.Is(err, ErrInitializer) {
		p.cancel(err)
		return
	}
	p.put(slot, nil) // so that a resize or a wake-up before the pause is over sees that it is empty
	time.AfterFunc(pause(restartPause, p.failures), func() { p.inbox.put(event{kind: evFill, n: slot}) })
}

func (p *Pool) isUp() bool {
	select {
	case <-p.up:
		return true
	default:
		return false
	}
}

// fill puts a worker into a slot: a spare that is ready, or a new one. A new one reports by events.
func (p *Pool) fill(slot int) {
	for i, l := range p.spares {
		if l.ready && l.alive() {
			p.spares = append(p.spares[:i], p.spares[i+1:]...)
			l.spare = false
			p.put(slot, l)
			if n := p.pinOf(slot); n > 0 {
				_ = l.process.Pin(n - 1) // an error: it has ended
			}
			p.dispatcher.ready(slot)
			p.act()
			p.addSpares()
			return
		}
	}
	p.put(slot, p.startLink(slot, false))
	p.addSpares()
}

// fillEmpty is fill for a slot that may have been filled meanwhile, or is not wanted any more.
func (p *Pool) fillEmpty(slot int) {
	if slot < p.wanted && !p.released && p.links[slot] == nil {
		p.fill(slot)
	}
}

func (p *Pool) put(slot int, l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links[slot] = l
	if l != nil {
		l.slot = slot
	}
}

func (p *Pool) startLink(slot int, spare bool) *link {
	p.lastID++
	l := newLink(p, p.lastID, slot, spare)
	l.began = time.Now()
	if !spare {
		l.pin = p.pinOf(slot)
	}
	go l.run()
	return l
}

func (p *Pool) addSpares() {
	for len(p.spares) < p.options.spares {
		p.spares = append(p.spares, p.startLink(0, true))
	}
}

// spareLost: a spare that ended is not replaced before a slot needs one, so that nothing is started over and over.
func (p *Pool) spareLost(l *link, err error) {
	for i := range p.spares {
		if p.spares[i] == l {
			p.spares = append(p.spares[:i], p.spares[i+1:]...)
			break
		}
	}
	if errors.Is(err, ErrInitializer) {
		p.cancel(err)
		return
	}
	p.reports.add("mapreduce: a spare worker was lost", l.attrs()...)
}

// replace ends a worker that holds nothing and fills its slot, if that is still wanted.
func (p *Pool) replace(slot int) {
	p.empty(slot)
	if slot < p.wanted && !p.released {
		p.numbers.Recycled++
		p.refill(slot)
	}
}

// refill fills a slot whose worker leaves: at once, unless more leave already than work, which are waited for.
func (p *Pool) refill(slot int) {
	if p.leaving <= p.wanted {
		p.fill(slot)
	}
}

// empty ends the worker of a slot in good order.
func (p *Pool) empty(slot int) {
	old := p.links[slot]
	if old == nil {
		return
	}
	p.put(slot, nil)
	p.end(old, slot)
}

// Resize changes the number of workers to n, 1 to [MaxProcs]. Workers that are too many end when they have answered what
// they hold. It does not wait, and has no effect after Close.
func (p *Pool) Resize(n int) error {
	if n < 1 || n > MaxProcs {
		return fmt.Errorf("mapreduce: Resize(%d): takes 1 to %d", n, MaxProcs)
	}
	p.inbox.put(event{kind: evResize, n: n})
	return nil
}

func (p *Pool) resize(n int) {
	p.wanted = n
	p.mu.Lock()
	for len(p.links) < n {
		p.links = append(p.links, nil)
	}
	p.mu.Unlock()
	if p.released {
		return
	}
	for slot, l := range p.links {
		switch {
		case slot >= n:
			p.vacate(slot)
		case l == nil:
			p.fill(slot)
		}
	}
}

// vacate ends the worker of a slot when it has answered what it holds; one that is not ready yet holds nothing.
func (p *Pool) vacate(slot int) {
	switch l := p.links[slot]; {
	case l == nil:
	case l.ready:
		p.dispatcher.retire(slot)
	default:
		p.empty(slot)
	}
}

// release ends all workers of a pool that has nothing to do; wake starts them again.
func (p *Pool) release() {
	p.released = true
	for slot := range p.links {
		p.vacate(slot)
	}
}

func (p *Pool) wake() {
	if !p.released {
		return
	}
	p.released = false
	p.resize(p.wanted)
}

// failure is the error of an item that was given up.
func (l *loss) failure(item, attempts int) *TaskError {
	lost := l.link.lostError(item, attempts)
	f := &TaskError{Index: item, Msg: lost.Error(), is: []error{lost}}
	switch {
	case l.link.reason != nil:
		f.is = append(f.is, l.link.reason)
		f.Msg = l.link.reason.Error() + ": " + f.Msg
	case lost.OOM:
		f.is = append(f.is, ErrMemoryLimit)
		f.Msg = fmt.Sprintf("%v: %s", ErrMemoryLimit, f.Msg)
	}
	return f
}
