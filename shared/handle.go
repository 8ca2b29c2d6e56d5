package shared

import (
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// encode writes the handle of the object, which is an array of numbers.
func (m *member) encode(e *msgpack.Encoder) error {
	if m.p == nil {
		m.misused()
	}
	trip, ok := m.p.Send(m.o, e.Writer())
	if !ok {
		m.misused()
	}
	if err := e.EncodeArrayLen(len(trip)); err != nil {
		return err
	}
	return trip.Write(e.EncodeUint)
}

// decode sets m to the object that a handle names, which this process has from then on.
func (m *member) decode(d *msgpack.Decoder, k shm.Kind) error {
	p, err := shm.Self()
	if err != nil {
		return fmt.Errorf("receive a %s: %w", kindNames[k], err)
	}
	is, arrived, err := decodeMember(d, p, k)
	if err != nil {
		return fmt.Errorf("receive a %s: %w", kindNames[k], err)
	}
	if err := p.Have(is.o); err != nil {
		return fmt.Errorf("receive a %s: %w", kindNames[k], err)
	}
	arrived()
	*m = is
	return nil
}

// decodeMember returns the object that a handle names. The process does not have the object yet:
// the caller must see to that, and then call arrived.
func decodeMember(d *msgpack.Decoder, p *shm.Process, k shm.Kind) (m member, arrived func(), err error) {
	var trip shm.Trip
	n, err := d.DecodeArrayLen()
	if err != nil {
		return member{}, nil, err
	}
	if n != len(trip) {
		return member{}, nil, fmt.Errorf("an array of %d is not a handle", n)
	}
	if err := trip.Read(d.DecodeUint64); err != nil {
		return member{}, nil, err
	}
	o, arrived, err := p.Receive(trip, k)
	return member{p, o}, arrived, err
}
