package shm

import "fmt"

// A Handle names an object in messages between processes of the tree.
type Handle struct {
	Table      uint64
	Kind       Kind
	Unit       uint32
	Generation uint32
}

// Handle returns the name of the object.
func (o Object) Handle() Handle {
	return Handle{o.table.id, o.Kind(), o.unit, uint32(o.identity >> 32)}
}

// Open returns the object that a handle names. The error wraps [ErrGone].
func (t *Table) Open(h Handle, want Kind) (Object, error) {
	if h.Table != t.id {
		return Object{}, fmt.Errorf("%w: it belongs to another tree of processes, or to a run before this one", ErrGone)
	}
	if h.Kind != want {
		return Object{}, fmt.Errorf("%w: it is of kind %d, not %d", ErrGone, h.Kind, want)
	}
	o, ok := t.object(h.Unit)
	if !ok || o.identity != uint64(h.Generation)<<32|uint64(want) {
		return Object{}, fmt.Errorf("%w: it was closed", ErrGone)
	}
	return o, nil
}
