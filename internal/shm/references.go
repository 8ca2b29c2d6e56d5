package shm

import (
	"fmt"
	"math/bits"
)

// An object is there for as long as somebody has it: a process that made or received it and has not dropped it, or a message
// that is under way. So it survives its maker, and goes when all are gone who could ever find it.
//
// Which objects a process has is in its row of the table: a bit for each unit. It outlives the process, so that [Table.Reap]
// knows what that has left. A row is cleared by the next process of the slot, and only those of living processes count.
//
// What messages are under way is the object's trips word: generation(16) | departures(16) | away(32), or doomed. Who wants
// to free what seems to be nobody's looks at this word, at all rows, and then dooms the object if the word is the same: so
// nobody can have sent it on meanwhile, and who finds it later cannot take it any more. What is killed on the way has left a
// message away that is not: at worst that object stays.

const (
	rowWords = maxUnits / 64
	rowPage  = 4096 / 8 // words
	rowPages = rowWords / rowPage

	departure  = 1<<32 | 1 // one more departure, and one more away
	departures = 0xffff << 32
	awayMask   = 1<<32 - 1
	doomed     = awayMask
)

// A row has a bit for each unit.
type row [rowWords]Word64

func hasBit(unit uint32) uint64 { return 1 << (unit % 64) }

func (t *Table) has(g Tag, unit uint32) *Word64 { return &t.rows[g.slot()][unit/64] }

func (s *slot) hasTouched(unit uint32) bool {
	page := unit / 64 / rowPage
	return s.touched[page/64].Load()&(1<<(page%64)) != 0
}

// reserveRow sees to it that p's row has memory for a unit's bit.
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

// clearRow takes back what the process before had.
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

// Depart says that a message that refers to o is under way, from a process that has it, until [Object.Arrived]. One that
// never arrives keeps the object for ever. It reports false if the object is gone.
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

// Arrived ends what Depart began: the process that received the message has the object now.
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

// Have makes p one that has o, until [Process.Drop] or its end. It is for what came in a message that is under way, or was
// sent by a process that keeps it meanwhile. The error wraps [ErrGone].
func (p *Process) Have(o Object) error {
	p.having.Lock()
	defer p.having.Unlock()
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
	if !had { // or it is what p has made of the same unit since
		mine.And(^bit)
	}
	return fmt.Errorf("%w: it was closed", ErrGone)
}

// Drop says that p has o no more. If nobody else has it either, it is freed.
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
	p.slot.dropping.Store(o.unit) // for who reaps p if it dies on the way
	p.table.has(p.tag, o.unit).And(^hasBit(o.unit))
	p.table.reclaim(o)
	p.slot.dropping.Store(0)
}

// A pin keeps an object that its process may have dropped, and its segment mapped that it may have left.
type pin struct {
	users   int
	dropped bool
	left    *Segment
}

// Pin keeps o in p, though p drops it, until the function is called that is returned, once.
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
		_ = is.left.leave() // it fails only for what is not mapped
	case is.dropped:
		p.drop(o)
	}
}

// Pinned reports whether somebody keeps o in p by [Process.Pin].
func (p *Process) Pinned(o Object) bool {
	p.having.Lock()
	defer p.having.Unlock()
	return p.pins[o] != nil
}

// reclaim frees an object that nobody has.
func (t *Table) reclaim(o Object) {
	v := o.at.trips.Load()
	if v>>48 != noTrips(o.identity)>>48 {
		return // it was freed
	}
	if v&awayMask != doomed {
		if v&awayMask != 0 || t.somebodyHas(o.unit) || !o.at.trips.CompareAndSwap(v, v|doomed) {
			return // who has changed the word has the object, or sends it
		}
	}
	if o.invalidate() { // nobody waits for what nobody has
		o.recycle()
	}
}

// somebodyHas reports whether a process that runs has what is at a unit.
func (t *Table) somebodyHas(unit uint32) bool {
	for i := range t.usedSlots() {
		s := &t.slots[i]
		if lifeState(s.life.Load()) == slotReady && s.hasTouched(unit) && t.rows[i][unit/64].Load()&hasBit(unit) != 0 {
			return true
		}
	}
	return false
}

// forget clears the bits of a unit whose object is gone, so that nobody seems to have the next one.
func (t *Table) forget(unit uint32) {
	for i := range t.usedSlots() {
		if t.slots[i].hasTouched(unit) {
			if w := &t.rows[i][unit/64]; w.Load()&hasBit(unit) != 0 {
				w.And(^hasBit(unit))
			}
		}
	}
}

// reclaimAll frees what only a process has had that has ended.
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
