package shared

import (
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// encode writes the handle of the object: an array of table, kind, unit and generation.
func (m *member) encode(e *msgpack.Encoder) error {
	m.check()
	h := m.o.Handle()
	if err := e.EncodeArrayLen(4); err != nil {
		return err
	}
	for _, n := range []uint64{h.Table, uint64(h.Kind), uint64(h.Unit), uint64(h.Generation)} {
		if err := e.EncodeUint(n); err != nil {
			return err
		}
	}
	return nil
}

// decode makes m the object that a handle names, in this process.
func (m *member) decode(d *msgpack.Decoder, k shm.Kind) error {
	p, err := shm.Self()
	if err == nil {
		*m, err = decodeMember(d, p, k)
	}
	if err != nil {
		return fmt.Errorf("receive a %s: %w", kindNames[k], err)
	}
	return nil
}

func decodeMember(d *msgpack.Decoder, p *shm.Process, k shm.Kind) (member, error) {
	n, err := d.DecodeArrayLen()
	if err == nil && n != 4 {
		err = fmt.Errorf("an array of %d is no handle", n)
	}
	var fields [4]uint64
	for i := range fields {
		if err == nil {
			fields[i], err = d.DecodeUint64()
		}
	}
	if err != nil {
		return member{}, err
	}
	o, err := p.Table().Open(shm.Handle{
		Table: fields[0], Kind: shm.Kind(fields[1]), Unit: uint32(fields[2]), Generation: uint32(fields[3]),
	}, k)
	return member{p, o}, err
}
