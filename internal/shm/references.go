package shm

import (
	"fmt"
	"math/bits"
)

// An object exists while something holds a reference to it: a process that made or received it and
// has not dropped it, or a message that is under way. So an object outlives its maker, and is freed
// when nothing is left that could ever find it.
//
// The row of a process in the table says which objects it has: one bit for each unit. The row
// outlives the process, so that [Table.Reap] knows what the process has left. The next process in
// the slot clears it; only the rows of living processes count.
//
// The object's trips word counts the messages under way: generation(16) | departures(16) |
// away(32), or doomed. A process that wants to free an object looks at this word, then at all rows,
// and then dooms the object if the word has not changed: so no process can have sent it meanwhile,
// and a process that finds it later cannot take it. If a process is killed with a message on its
// way, the count stays too high: at worst the object is never freed.

const (
	rowWords = maxUnits / 64
	rowPage  = 4096 / 8 // words
	rowPages = rowWords / rowPage

	departure  = 1<<32 | 1 // one more departure, and one more away
	departures = 0xffff << 32
	awayMask   = 1<<32 - 1
	doomed     = awayMask
)

// A row has one bit for each unit.
type row [rowWords]Word64

func hasBit(unit uint32) uint64 { return 1 << (unit % 64) }

func (t *Table) has(g Tag, unit uint32) *Word64 { return &t.rows[g.slot()][unit/64] }

func (s *slot) hasTouched(unit uint32) bool {
	page := unit / 64 / rowPage
	return s.touched[page/64].Load()&(1<<(page%64)) != 0
}

// reserveRow makes sure that p's row has memory for a unit's bit.
func (p *Process) reserveRow(unit uint32) error {
	if p.slot.hasTouched(unit) {
		return nil
	}
	page := unit / 64 / rowPage
	if err := p.table.reserveRowPage(p.tag.slot(), int(page)); err != nil {
		return err
	}
	p.slot.touched[page/64].Or(1 << (page % 64))
	return nil
}

// clearRow clears the bits that the slot's previous process left.
func (t *Table) clearRow(s *slot, number int) {
	for page := range uint32(rowPages) {
		if s.touched[page/64].Load()&(1<<(page%64)) == 0 {
			continue
		}
		for i := page * rowPage; i < (page+1)*rowPage; i++ {
			if t.rows[number][i].Load() != 0 {
				t.rows[number][i].Store(0)
			}
		}
	}
	for i := range s.touched {
		s.touched[i].Store(0)
	}
}

func noTrips(identity uint64) uint64 { return identity >> 32 << 48 }

// Depart says that a message that refers to o is under way until [Object.Arrived]; the calling
// process must have o. A message that never arrives keeps the object for ever. Depart reports false
// if the object is gone.
func (o Object) Depart() bool {
	for {
		v := o.at.trips.Load()
		if v>>48 != noTrips(o.identity)>>48 || v&awayMask == doomed || !o.Valid() {
			return false
		}
		next := v&^(departures|awayMask) | (v+departure)&(departures|awayMask)
		if o.at.trips.CompareAndSwap(v, next) {
			return true
		}
	}
}

// Arrived ends what [Object.Depart] began. The process that received the message must have the
// object by now.
func (o Object) Arrived() {
	for {
		v := o.at.trips.Load()
		if v>>48 != noTrips(o.identity)>>48 || v&awayMask == 0 || v&awayMask == doomed {
			return
		}
		if o.at.trips.CompareAndSwap(v, v-1) {
			return
		}
	}
}

// Have makes p hold a reference to o until [Process.Drop] or the end of p. The caller must have got
// o from a message that is under way, or from a process that keeps it meanwhile. The error wraps
// [ErrGone] if the object is gone, or says that memory has run out.
func (p *Process) Have(o Object) error {
	p.having.Lock()
	defer p.having.Unlock()
	if pin := p.pins[o]; pin != nil {
		pin.dropped = false
	}
	return p.have(o)
}

func (p *Process) have(o Object) error {
	if err := p.reserveRow(o.unit); err != nil {
		return err
	}
	mine, bit := p.table.has(p.tag, o.unit), hasBit(o.unit)
	had := mine.Or(bit)&bit != 0
	if o.Valid() {
		return nil
	}
	if !had { // otherwise the bit may stand for a newer object of p at the same unit
		mine.And(^bit)
	}
	return fmt.Errorf("%w: it was closed", ErrGone)
}

// Drop drops p's reference to o. The object is freed if nothing else has it.
func (p *Process) Drop(o Object) {
	p.having.Lock()
	defer p.having.Unlock()
	p.drop(o)
}

func (p *Process) drop(o Object) {
	if pin := p.pins[o]; pin != nil {
		pin.dropped = true
		return
	}
	if !o.Valid() {
		return
	}
	p.slot.dropping.Store(o.unit) // for the process that reaps p if p dies before it is done
	p.table.has(p.tag, o.unit).And(^hasBit(o.unit))
	p.table.reclaim(o)
	p.slot.dropping.Store(0)
}

// A pin keeps an object that its process may have dropped, and keeps its segment mapped even if the
// process has left it.
type pin struct {
	users   int
	dropped bool
	left    *Segment
}

// Pin keeps o in p, even if p drops it, until the returned function is called. It must be called
// once.
func (p *Process) Pin(o Object) (unpin func()) {
	p.having.Lock()
	defer p.having.Unlock()
	if p.pins == nil {
		p.pins = map[Object]*pin{}
	}
	if p.pins[o] == nil {
		p.pins[o] = &pin{}
	}
	p.pins[o].users++
	return func() { p.unpin(o) }
}

func (p *Process) unpin(o Object) {
	p.having.Lock()
	defer p.having.Unlock()
	is := p.pins[o]
	if is.users--; is.users > 0 {
		return
	}
	delete(p.pins, o)
	switch {
	case is.left != nil:
		_ = is.left.leave() // it fails only if the segment is not mapped
	case is.dropped:
		p.drop(o)
	}
}

// Hold makes p have o, and keep it until release is called, whatever else p does with it. The
// caller must have got o as for [Process.Have]. It must call release once.
func (p *Process) Hold(o Object) (release func(), err error) {
	p.having.Lock()
	defer p.having.Unlock()
	if err := p.reserveRow(o.unit); err != nil {
		return nil, err
	}
	had := p.table.has(p.tag, o.unit).Load()&hasBit(o.unit) != 0
	if err := p.have(o); err != nil {
		return nil, err
	}
	if p.pins == nil {
		p.pins = map[Object]*pin{}
	}
	if p.pins[o] == nil {
		p.pins[o] = &pin{dropped: !had}
	}
	p.pins[o].users++
	return func() { p.unpin(o) }, nil
}

// Pinned reports whether a [Process.Pin] keeps o in p.
func (p *Process) Pinned(o Object) bool {
	p.having.Lock()
	defer p.having.Unlock()
	return p.pins[o] != nil
}

// reclaim frees an object if nothing has it.
func (t *Table) reclaim(o Object) {
	v := o.at.trips.Load()
	if v>>48 != noTrips(o.identity)>>48 {
		return // it was freed before
	}
	if v&awayMask != doomed {
		if v&awayMask != 0 || t.somebodyHas(o.unit) || !o.at.trips.CompareAndSwap(v, v|doomed) {
			return // whatever changed the word has the object, or is sending it
		}
	}
	if o.invalidate() { // nothing waits for an object that nothing has
		o.recycle()
	}
}

// somebodyHas reports whether a running process has the object at a unit.
func (t *Table) somebodyHas(unit uint32) bool {
	for i := range t.usedSlots() {
		s := &t.slots[i]
		if lifeState(s.life.Load()) == slotReady && s.hasTouched(unit) && t.rows[i][unit/64].Load()&hasBit(unit) != 0 {
			return true
		}
	}
	return false
}

// forget clears the bits of a unit whose object is gone, so that no process seems to have the next
// one.
func (t *Table) forget(unit uint32) {
	for i := range t.usedSlots() {
		if t.slots[i].hasTouched(unit) {
			if w := &t.rows[i][unit/64]; w.Load()&hasBit(unit) != 0 {
				w.And(^hasBit(unit))
			}
		}
	}
}

// reclaimAll frees the objects that only the ended process of a slot had.
func (t *Table) reclaimAll(s *slot, number int) {
	if o, ok := t.object(s.dropping.Load()); ok {
		t.reclaim(o)
	}
	end := t.used.Load()
	for n := uint32(0); n < end; n += 64 {
		if !s.hasTouched(n) {
			n += 64*rowPage - 64 - n%(64*rowPage)
			continue
		}
		for v := t.rows[number][n/64].Load(); v != 0; v &= v - 1 {
			if o, ok := t.object(n + uint32(bits.TrailingZeros64(v))); ok {
				t.reclaim(o)
			}
		}
	}
}
