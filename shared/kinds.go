package shared

import (
	"errors"
	"fmt"

	"mrrun/internal/shm"
)

// The numbers of the kinds, which are part of the layout of shared memory.
const (
	kindLock shm.Kind = 1 + iota
	kindSemaphore
	kindEvent
	kindBarrier
	kindCond
	kindRLock
	kindValue
	kindArray
)

var kindNames = map[shm.Kind]string{
	kindLock:      "Lock",
	kindSemaphore: "Semaphore",
	kindEvent:     "Event",
	kindBarrier:   "Barrier",
	kindCond:      "Cond",
	kindRLock:     "RLock",
	kindValue:     "Value",
	kindArray:     "Array",
}

func init() {
	shm.RegisterKind(kindLock, repairLock)
	shm.RegisterKind(kindSemaphore, repairSemaphore)
	shm.RegisterKind(kindEvent, repairEvent)
	shm.RegisterKind(kindBarrier, repairBarrier)
	shm.RegisterKind(kindCond, repairCond)
	shm.RegisterKind(kindRLock, repairLock)
	shm.RegisterKind(kindValue, repairLock) // an Array has nothing to repair
}

// A member is an object as this process uses it. Each primitive embeds or contains one.
type member struct {
	p *shm.Process
	o shm.Object
}

// newMember allocates an object that belongs to this process, with extra bytes of extra memory.
func newMember(p *shm.Process, k shm.Kind, extra int) (member, error) {
	o, err := p.Allocate(k, extra)
	if err != nil {
		return member{}, fmt.Errorf("make a %s: %w", kindNames[k], err)
	}
	return member{p, o}, nil
}

// check panics if the object is closed, or was never made.
func (m *member) check() {
	if m.p == nil || !m.o.Valid() {
		m.misused()
	}
}

// String returns the name of the object, as in reports of deadlocks.
func (m *member) String() string {
	if m.p == nil {
		return "<nil>"
	}
	return fmt.Sprintf("%s %d", kindNames[m.o.Kind()], m.o.Handle().Unit)
}

func (m *member) misused() {
	if m.p == nil {
		panic("shared: use of a zero value: make one with its New function, or get one from another process")
	}
	panic("shared: " + kindNames[m.o.Kind()] + " used after Close")
}

// close frees the object if this process made it. If the process that made it has ended, the object
// is freed when the last process that has it closes it.
func (m *member) close() error {
	if m.p == nil {
		return errors.New("close of a shared object that was never made")
	}
	switch by := m.o.Creator(); {
	case !m.o.Valid():
	case by == m.p.Tag():
		m.o.Free()
	case m.p.Table().Ended(by):
		m.p.Drop(m.o)
	}
	return nil
}
