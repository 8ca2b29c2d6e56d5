package shm

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// A Segment is a region of its own, with an object in the table that says where it is, as this process has it mapped: once,
// however often it is attached.
type Segment struct {
	p      *Process
	object Object
	region *Region
	mem    []byte
	mapped atomic.Bool
	users  [2]int // that hold it, and that do not: see Attach
}

// These cold words of the object are the segment's; the last one is the kind's own.
const (
	coldWhere = iota // pid(32) | descriptor(32)
	coldDev
	coldInode
	coldSize // bytes
	ColdOwn
)

// segments are those that a process has mapped.
type segments struct {
	attaching sync.Mutex // guards mapped, and the users of each
	mapped    map[Object]*Segment
}

// NewSegment makes a region of size bytes, all zero, for an object that p has just allocated. p alone ends it, with
// [Segment.End].
func (p *Process) NewSegment(o Object, name string, size int) (*Segment, error) {
	region, err := NewRegion(name, max(int64(size), 1)) // nothing cannot be mapped
	if err != nil {
		return nil, err
	}
	place, err := region.Place()
	if err != nil {
		region.Close()
		return nil, err
	}
	o.Cold(coldWhere).Store(uint64(place.PID)<<32 | uint64(place.FD))
	o.Cold(coldDev).Store(place.Dev)
	o.Cold(coldInode).Store(place.Inode)
	o.Cold(coldSize).Store(uint64(size))
	p.attaching.Lock()
	defer p.attaching.Unlock()
	return p.add(o, region, size, holds), nil
}

const (
	holds = iota
	doesNotHold
)

func (p *Process) add(o Object, region *Region, size, as int) *Segment {
	if p.mapped == nil {
		p.mapped = map[Object]*Segment{}
	}
	s := &Segment{p: p, object: o, region: region, mem: region.Bytes()[:size:size]}
	s.mapped.Store(true)
	s.users[as] = 1
	p.mapped[o] = s
	return s
}

// Attach maps the segment of an object, unless this process has it mapped. Each user calls [Segment.Detach]; one that does
// not hold the segment need not, since [Sweep] does it in the end. The error wraps [ErrGone] if the process that made the
// segment has closed it or has ended.
func (p *Process) Attach(o Object, hold bool) (*Segment, error) {
	p.attaching.Lock()
	defer p.attaching.Unlock()
	if s := p.mapped[o]; s != nil {
		s.users[as(hold)]++
		return s, nil
	}
	where, size := o.Cold(coldWhere).Load(), o.Cold(coldSize).Load()
	place := Place{int(where >> 32), int(uint32(where)), o.Cold(coldDev).Load(), o.Cold(coldInode).Load()}
	if !o.Valid() {
		return nil, fmt.Errorf("%w: it was closed", ErrGone)
	}
	region, err := place.Map()
	if err == nil && uint64(len(region.Bytes())) != max(size, 1) {
		region.Close()
		return nil, fmt.Errorf("%w: it is another one by now", ErrGone)
	}
	if errors.Is(err, os.ErrNotExist) || err != nil && !p.table.Alive(o.Creator()) {
		return nil, fmt.Errorf("%w: process %d, which made it, has closed it or has ended", ErrGone, place.PID)
	}
	if err != nil {
		return nil, err
	}
	return p.add(o, region, int(size), as(hold)), nil
}

func as(hold bool) int {
	if hold {
		return holds
	}
	return doesNotHold
}

// Bytes returns the memory. It must not be touched when the segment is not [Segment.Mapped] any more: that is a crash.
func (s *Segment) Bytes() []byte { return s.mem }

// Mapped reports whether this process still has it mapped. It is one load.
func (s *Segment) Mapped() bool { return s.mapped.Load() }

// Detach says that one user has done with the segment; hold is what it was attached with. The last one unmaps it.
func (s *Segment) Detach(hold bool) error {
	s.p.attaching.Lock()
	defer s.p.attaching.Unlock()
	if s.users[as(hold)]--; s.users == [2]int{} {
		return s.unmap()
	}
	return nil
}

// End frees the object and unmaps the segment here, whoever uses it. Others that have it mapped keep it.
func (s *Segment) End() error {
	s.object.Free()
	s.p.attaching.Lock()
	defer s.p.attaching.Unlock()
	return s.unmap()
}

func (s *Segment) unmap() error {
	if !s.mapped.CompareAndSwap(true, false) {
		return nil
	}
	delete(s.p.mapped, s.object)
	return s.region.Close()
}

// Sweep unmaps the segments that this process was sent, that nobody here holds, and whose maker has closed them or has
// ended and was retired. It must be called only where nothing that was received earlier is used any more, such as between
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
	p.attaching.Lock()
	defer p.attaching.Unlock()
	for o, s := range p.mapped {
		if s.users[holds] == 0 && (!o.Valid() || p.table.Retired(o.Creator())) && s.unmap() == nil {
			unmapped++
		}
	}
	return unmapped
}
