package manager

import (
	"context"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/shared"
)

// An Event is set or not, and clients wait until it is set. It is made by [NewEvent] and used by
// pointer; all methods are safe for concurrent use.
type Event struct{ proxy }

// NewEvent makes an event that is not set.
func NewEvent(ctx context.Context, c Conn, opts ...ObjectOption) (*Event, error) {
	e := &Event{}
	return e, e.create(ctx, c, "NewEvent", "event", "event", opts, nil)
}

// EncodeMsgpack sends the proxy.
func (e *Event) EncodeMsgpack(enc *msgpack.Encoder) error { return e.encode(enc) }

// DecodeMsgpack receives a proxy.
func (e *Event) DecodeMsgpack(d *msgpack.Decoder) error { return e.decode(d, "event") }

// Set sets the event and wakes all waiters, even if Clear follows at once.
func (e *Event) Set(ctx context.Context) error { return e.call(ctx, "Event."+opSet, nil, nil) }

// Clear resets the event, so that it is not set.
func (e *Event) Clear(ctx context.Context) error { return e.call(ctx, "Event."+opClear, nil, nil) }

// IsSet reports whether the event is set.
func (e *Event) IsSet(ctx context.Context) (set bool, err error) {
	err = e.call(ctx, "Event."+opIsSet, nil, flag(&set))
	return set, err
}

// Wait blocks until the event is set. If ctx ends first, Wait returns the cause.
func (e *Event) Wait(ctx context.Context) error { return e.call(ctx, "Event."+opWait, nil, nil) }

var _ shared.Signal = (*Event)(nil)
