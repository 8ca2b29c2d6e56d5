package shm

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// A Segment is memory of an object, in the table's file, as this process has it mapped: once, however often it is attached. It
// is there for as long as the object is.
type Segment struct {
	p      *Process
	object Object
	mem    []byte // whole pages
	size   int
	mapped atomic.Bool
	users  [2]int // that hold it, and that do not: see Attach
}

// These cold words of the object are the segment's; the last one is the kind's own.
const (
	coldWhere = iota // in the table's file
	coldSize         // bytes
	coldLeft         // 1: its maker has done with it
	ColdOwn
)

// segments are those that a process has mapped.
type segments struct {
	having sync.Mutex // guards all that the process has
	mapped map[Object]*Segment
	pins   map[Object]*pin
}

// pages returns the bytes of the pages that hold so many; nothing cannot be mapped.
func pages(size int) int64 { return (max(int64(size), 1) + pageSize - 1) &^ (pageSize - 1) }

// NewSegment makes memory of size bytes, all zero, for an object that p has just allocated. The first bytes are reserved, so
// that they can be touched: see [Segment.Reserve].
func (p *Process) NewSegment(o Object, size, reserved int) (*Segment, error) {
	if size > math.MaxInt-pageSize {
		return nil, fmt.Errorf("%w: there is no room for %d bytes", ErrFull, size)
	}
	at, err := p.table.takeMemory(pages(size))
	if err != nil {
		return nil, err
	}
	o.Cold(coldWhere).Store(uint64(at))
	o.Cold(coldSize).Store(uint64(size))
	o.at.creator.Store(uint32(p.tag) | hasMemory)
	if reserved > 0 {
		if err := p.table.region.Reserve(at, pages(reserved)); err != nil {
			return nil, err
		}
	}
	p.having.Lock()
	defer p.having.Unlock()
	return p.add(o, holds)
}

const (
	holds = iota
	doesNotHold
)

// add maps the segment of an object.
func (p *Process) add(o Object, as int) (*Segment, error) {
	at, size := int64(o.Cold(coldWhere).Load()), int(o.Cold(coldSize).Load())
	mem, err := mapPart(p.table.File(), at, pages(size))
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of shared memory: %w", size, err)
	}
	if p.mapped == nil {
		p.mapped = map[Object]*Segment{}
	}
	s := &Segment{p: p, object: o, mem: mem, size: size}
	s.mapped.Store(true)
	s.users[as] = 1
	p.mapped[o] = s
	return s, nil
}

// Attach makes p one that has o, and maps its segment unless p has it mapped. Each user calls [Segment.Detach]; one that does
// not hold the segment need not, since [Sweep] does it in the end. The error wraps [ErrGone] if the object is gone.
func (p *Process) Attach(o Object, hold bool) (*Segment, error) {
	p.having.Lock()
	defer p.having.Unlock()
	if err := p.have(o); err != nil {
		return nil, err
	}
	if s := p.mapped[o]; s != nil {
		s.users[as(hold)]++
		return s, nil
	}
	s, err := p.add(o, as(hold))
	if err != nil {
		p.drop(o)
	}
	return s, err
}

func as(hold bool) int {
	if hold {
		return holds
	}
	return doesNotHold
}

// Bytes returns the memory. It must not be touched when the segment is not [Segment.Mapped] any more: that is a crash.
func (s *Segment) Bytes() []byte { return s.mem[:s.size:s.size] }

// Mapped reports whether this process still has it mapped. It is one load.
func (s *Segment) Mapped() bool { return s.mapped.Load() }

// Reserve sees to it that a part of the memory can be touched. The error says that memory has run out.
func (s *Segment) Reserve(at, n int) error {
	begin := at &^ (pageSize - 1)
	return s.p.table.region.Reserve(int64(s.object.Cold(coldWhere).Load())+int64(begin), int64(at+n-begin))
}

// Detach says that one user has done with the segment; hold is what it was attached with. The last one unmaps it, and the
// process drops the object.
func (s *Segment) Detach(hold bool) error {
	s.p.having.Lock()
	defer s.p.having.Unlock()
	if s.users[as(hold)]--; s.users == [2]int{} {
		return s.leave()
	}
	return nil
}

// Leave unmaps the segment here, whoever uses it, unless it is pinned, and drops the object. If this process made it, others that were sent it and
// do not hold it do so too, see [Sweep].
func (s *Segment) Leave() error {
	s.p.having.Lock()
	defer s.p.having.Unlock()
	return s.leave()
}

// End frees the object, whoever has it, and unmaps the segment here.
func (s *Segment) End() error {
	s.object.Free()
	return s.Leave()
}

func (s *Segment) leave() error {
	if s.object.Valid() && s.object.Creator() == s.p.tag {
		s.object.Cold(coldLeft).Store(1)
	}
	if pin := s.p.pins[s.object]; pin != nil { // perhaps for a goroutine of this process
		pin.left = s
		return nil
	}
	if !s.mapped.CompareAndSwap(true, false) {
		return nil
	}
	delete(s.p.mapped, s.object)
	err := unmap(s.mem)
	s.p.drop(s.object)
	return err
}

// Left reports whether the process that made the object's segment has closed it or has ended and was reaped.
func (o *Object) Left() bool { return o.Cold(coldLeft).Load() != 0 || o.table.Reaped(o.Creator()) }

// giveBack frees the memory of an object's segment.
func (t *Table) giveBack(o Object) {
	t.region.giveBack(int64(o.Cold(coldWhere).Load()), pages(int(o.Cold(coldSize).Load())))
}

// Sweep unmaps and drops the segments that this process was sent, that nobody here holds, and whose maker has closed them or
// has ended and was reaped. It must be called only where nothing that was received earlier is used any more, such as between
// two tasks: the garbage collector does not know of slices of shared memory. It returns how many it unmapped. It takes some
// loads for each segment.
func Sweep() int {
	self.mu.Lock()
	p := self.p
	self.mu.Unlock()
	if p == nil {
		return 0
	}
	return p.Sweep()
}

// Sweep is [Sweep], of one process.
func (p *Process) Sweep() (unmapped int) {
	p.having.Lock()
	defer p.having.Unlock()
	for o, s := range p.mapped {
		if s.users[holds] == 0 && (!o.Valid() || o.Left()) && s.leave() == nil {
			unmapped++
		}
	}
	return unmapped
}
