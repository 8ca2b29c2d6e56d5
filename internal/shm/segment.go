package shm

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// A Segment is an object's memory in the table's file, mapped into this process once, however often
// it is attached. The memory exists as long as the object does.
type Segment struct {
	p      *Process
	object Object
	mem    []byte // whole pages
	size   int
	mapped atomic.Bool
	users  [2]int // how many hold it, and how many do not: see Attach
}

// These cold words of the object belong to its segment; the last one belongs to the kind.
const (
	coldWhere = iota // offset in the table's file
	coldSize         // bytes
	coldLeft         // 1: its maker has left it
	ColdOwn
)

// segments are the segments that a process has mapped.
type segments struct {
	having sync.Mutex // guards all that this process has
	mapped map[Object]*Segment
	pins   map[Object]*pin
}

// pages returns the size in bytes of the pages that hold size bytes, one page at least.
func pages(size int) int64 { return (max(int64(size), 1) + pageSize - 1) &^ (pageSize - 1) }

// NewSegment makes memory of size bytes, all zero, for an object that p has just allocated. The
// first reserved bytes can be touched at once; the rest needs [Segment.Reserve].
func (p *Process) NewSegment(o Object, size, reserved int) (*Segment, error) {
	if limit := p.table.maxSegment(); int64(size) > limit {
		return nil, tooLarge(int64(size), limit)
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

// add maps the segment of an object, for one user.
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

// Attach makes p hold a reference to o, and maps its segment unless p has it mapped. Each user must
// call [Segment.Detach]; a user that attaches without hold need not, since [Sweep] unmaps the
// segment in the end. The error wraps [ErrGone] if the object is gone.
func (p *Process) Attach(o Object, hold bool) (*Segment, error) {
	p.having.Lock()
	defer p.having.Unlock()
	if err := p.have(o); err != nil {
		return nil, err
	}
	if pin := p.pins[o]; pin != nil {
		pin.dropped = false
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

// Bytes returns the memory. Touching it when the segment is no longer [Segment.Mapped] crashes the
// process.
func (s *Segment) Bytes() []byte { return s.mem[:s.size:s.size] }

// Mapped reports whether this process still has the segment mapped. It costs one load.
func (s *Segment) Mapped() bool { return s.mapped.Load() }

// Reserve makes sure that n bytes at offset at can be touched. The error says that memory has run
// out.
func (s *Segment) Reserve(at, n int) error {
	begin := at &^ (pageSize - 1)
	return s.p.table.region.Reserve(int64(s.object.Cold(coldWhere).Load())+int64(begin), int64(at+n-begin))
}

// Detach ends one use of the segment; hold must be as in Attach. The last one unmaps the segment
// and drops the object.
func (s *Segment) Detach(hold bool) error {
	s.p.having.Lock()
	defer s.p.having.Unlock()
	if s.users[as(hold)]--; s.users == [2]int{} {
		return s.leave()
	}
	return nil
}

// Leave unmaps the segment here, even if it has users, and drops the object; while the object is
// pinned, that waits until it no longer is. If this process made the segment, the other processes
// that were sent it and do not hold it follow, see [Sweep].
func (s *Segment) Leave() error {
	s.p.having.Lock()
	defer s.p.having.Unlock()
	return s.leave()
}

// End frees the object, even if other processes have it, and unmaps the segment here.
func (s *Segment) End() error {
	s.object.Free()
	return s.Leave()
}

func (s *Segment) leave() error {
	if s.object.Valid() && s.object.Creator() == s.p.tag {
		s.object.Cold(coldLeft).Store(1)
	}
	if pin := s.p.pins[s.object]; pin != nil { // perhaps another goroutine of this process needs it
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

// Left reports whether the maker of the object's segment has left it, or has ended.
func (o *Object) Left() bool { return o.Cold(coldLeft).Load() != 0 || o.table.Ended(o.Creator()) }

// giveBack frees the memory of an object's segment.
func (t *Table) giveBack(o Object) {
	t.region.giveBack(int64(o.Cold(coldWhere).Load()), pages(int(o.Cold(coldSize).Load())))
}

// Sweep unmaps and drops the segments that this process was sent, that nothing here holds, and
// whose maker has left them or has ended. It returns how many it unmapped. It must
// be called only at a point where nothing received earlier is still in use, such as between two
// tasks: the garbage collector does not know of slices of shared memory. It costs some loads for
// each segment.
func Sweep() int {
	self.mu.Lock()
	p := self.p
	self.mu.Unlock()
	if p == nil {
		return 0
	}
	return p.Sweep()
}

// Sweep is the function [Sweep] for p.
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
