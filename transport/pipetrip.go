package transport

import (
	"sync"

	"mrrun/internal/shm"
)

// A message with an end says where the sender has the end's files open. So the sender keeps these
// files, even if the end is closed or forgotten there, until the receiver has opened them. The
// receiver says so in two words: one of the end, and one of the sender that makes it look.

// trips are the messages with one end that have left this process and have not arrived.
type trips struct {
	count  uint32 // messages
	before uint32 // arrivals at the end, from all processes, when the first of them left
	closed bool   // the end was closed here meanwhile
}

// away are the ends that are under way from this process. While there are any, a goroutine looks
// for their arrival.
var away struct {
	sync.Mutex
	ends map[*pipe]*trips
}

// depart notes that a message with the end leaves. The end must be open, or under way already.
func (p *pipe) depart() error {
	away.Lock()
	defer away.Unlock()
	t := away.ends[p]
	if t == nil && p.Closed() {
		return ErrClosed
	}
	if t == nil {
		t = &trips{before: p.Arrived().Load()}
		if away.ends == nil {
			away.ends = map[*pipe]*trips{}
		}
		away.ends[p] = t
		if len(away.ends) == 1 {
			go lookForArrivals(p.self)
		}
	}
	t.count++
	return nil
}

// giveUp notes that a message will not arrive any more, if it has not arrived yet.
func (p *pipe) giveUp() {
	away.Lock()
	defer away.Unlock()
	if t := away.ends[p]; t != nil {
		t.count--
		p.checkArrival(t)
	}
}

// checkArrival stops keeping an end whose messages have all arrived. The caller must hold away.
func (p *pipe) checkArrival(t *trips) {
	if arrived := p.Arrived().Load() - t.before; int32(arrived-t.count) < 0 {
		return
	}
	delete(away.ends, p)
	if t.closed {
		_ = p.Stream.Close() // it fails only if the end is closed already
	}
}

// Close closes the end in this process, as soon as no other process needs its files to find it.
func (p *pipe) Close() error {
	away.Lock()
	defer away.Unlock()
	if t := away.ends[p]; t != nil {
		p.checkArrival(t) // lookForArrivals may not have looked yet
	}
	t := away.ends[p]
	if t == nil {
		return p.Stream.Close()
	}
	t.closed = true
	return p.Stream.Leave()
}

// lookForArrivals runs while ends are under way.
func lookForArrivals(self *shm.Process) {
	for {
		seen := self.Arrivals()
		away.Lock()
		for p, t := range away.ends {
			p.checkArrival(t)
		}
		done := len(away.ends) == 0
		away.Unlock()
		if done {
			return
		}
		self.AwaitArrival(seen)
	}
}

// carried reports whether this process keeps a message that is written to w, with its cargo; see
// [Encoder.Carry].
func (p *pipe) carried(w any) (carried bool, err error) {
	c, ok := w.(shm.Carrier)
	carried = ok && c.Carry(func() func() {
		if err = p.depart(); err != nil {
			return func() {}
		}
		return p.giveUp
	})
	return carried, err
}
