package mapreduce

import (
	"fmt"
	"time"
)

// A seat is what the supervisor knows about the worker of a link. Nothing else reads it.
type seat struct {
	slot    int
	spare   bool      // it has no slot yet
	ready   bool      // evReady was seen
	answers bool      // it has answered a chunk
	began   time.Time // when the pool decided to start it
	readyAt time.Time
	items   int           // answered
	work    time.Duration // spent on them

	victim     *call // the call with the item because of which it was killed
	victimItem int
}

// fill puts a worker into a slot: a spare that is ready, or a new one, which will report by events.
func (p *Pool) fill(slot int) {
	for i, l := range p.spares {
		if l.ready && l.alive() {
			p.spares = append(p.spares[:i], p.spares[i+1:]...)
			l.spare = false
			p.put(slot, l)
			if n := p.pinOf(slot); n > 0 {
				_ = l.process.Pin(n - 1) // an error means that it has ended
			}
			p.scheduler.ready(slot)
			p.act()
			p.addSpares()
			return
		}
	}
	p.put(slot, p.startLink(slot, false))
	p.addSpares()
}

// fillEmpty fills a slot if it is still empty and wanted.
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
	l := newLink(&p.host, p.tell, p.lastID, slot, spare)
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

// replace ends a worker that holds nothing, and fills its slot if that is still wanted.
func (p *Pool) replace(slot int) {
	p.empty(slot)
	if slot < p.wanted && !p.released {
		p.numbers.Recycled++
		p.refill(slot)
	}
}

// refill fills a slot whose worker leaves: at once, unless more workers are leaving than are
// wanted; then the slot is filled when this worker has ended.
func (p *Pool) refill(slot int) {
	if p.leaving <= p.wanted {
		p.fill(slot)
	}
}

// empty removes the worker of a slot and ends it in good order.
func (p *Pool) empty(slot int) {
	old := p.links[slot]
	if old == nil {
		return
	}
	p.put(slot, nil)
	p.end(old, slot)
}

// Resize changes the number of workers to n, 1 to [MaxProcs]. Surplus workers end when they have
// answered what they hold. Resize does not wait, and has no effect after Close.
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
	for _, c := range p.calls {
		p.failMisplaced(c)
	}
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

// vacate ends the worker of a slot when it has answered what it holds. A worker that is not ready
// yet holds nothing.
func (p *Pool) vacate(slot int) {
	switch l := p.links[slot]; {
	case l == nil:
	case l.ready:
		p.scheduler.drain(slot)
	default:
		p.empty(slot)
	}
}

// release ends all workers of a pool that has nothing to do; wake starts workers again.
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
