package shared

import (
	"context"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// An Event is set or not, and processes wait until it is set. It is made by [NewEvent] and used by
// pointer; all methods are safe for concurrent use. The death of a process does not change it.
type Event struct {
	member
	state *shm.Word // number of times it was set(31) | it is set(1)
	gate  *shm.Word // see [shm.Process.Await]
}

const eventSet = 1

// NewEvent makes an event that is not set.
func NewEvent() (*Event, error) {
	p, err := shm.Self()
	if err != nil {
		return nil, err
	}
	return newEvent(p)
}

func newEvent(p *shm.Process) (*Event, error) {
	m, err := newMember(p, kindEvent, 0)
	if err != nil {
		return nil, err
	}
	return m.event(), nil
}

func (m member) event() *Event { return &Event{member: m, state: m.o.Hot(0), gate: m.o.Hot(1)} }

// Set sets the event and wakes all waiters, even if Clear follows at once. If the event is set
// already, Set does nothing.
func (e *Event) Set() {
	e.check()
	e.p.Release(&e.o)
	for v := e.state.Load(); v&eventSet == 0; v = e.state.Load() {
		if e.state.CompareAndSwap(v, (v|eventSet)+2) {
			e.gate.WakeWaiters()
			return
		}
	}
}

// Clear resets the event, so that it is not set.
func (e *Event) Clear() {
	e.check()
	for v := e.state.Load(); v&eventSet != 0; v = e.state.Load() {
		if e.state.CompareAndSwap(v, v&^eventSet) {
			return
		}
	}
}

// IsSet reports whether the event is set.
func (e *Event) IsSet() bool {
	e.check()
	if e.state.Load()&eventSet == 0 {
		return false
	}
	e.p.Acquire(&e.o)
	return true
}

// Wait blocks until the event is set. If ctx ends first, Wait returns the cause. If the event is
// set, Wait returns nil even if ctx has ended.
func (e *Event) Wait(ctx context.Context) error {
	if e.IsSet() {
		return nil
	}
	return e.await(ctx, e.state.Load()&^eventSet)
}

// await waits until the event is set, or was set since its state was before.
func (e *Event) await(ctx context.Context, before uint32) error {
	err := e.p.Await(ctx, e.o, e.gate, func() bool {
		v := e.state.Load()
		return v&eventSet != 0 || v != before || !e.o.Valid()
	}, func() {})
	e.check()
	if err == nil {
		e.p.Acquire(&e.o)
	}
	return err
}

// Close frees the event's memory if this process made the event; elsewhere it does nothing. After
// that, using the event panics, in all processes, and so do those that wait.
func (e *Event) Close() error { return e.close() }

// EncodeMsgpack sends the event to another process of the tree.
func (e *Event) EncodeMsgpack(enc *msgpack.Encoder) error { return e.encode(enc) }

// DecodeMsgpack receives an event. The error wraps [ErrGone] if the event is closed or belongs to
// another tree.
func (e *Event) DecodeMsgpack(d *msgpack.Decoder) error {
	var m member
	if err := m.decode(d, kindEvent); err != nil {
		return err
	}
	*e = *m.event()
	return nil
}

// repairEvent repairs an event after the death of a process, which may have set the event without
// waking the waiters.
func repairEvent(o shm.Object, _ shm.Tag) { o.Hot(1).WakeWaitersAgain() }
