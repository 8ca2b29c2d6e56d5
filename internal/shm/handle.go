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

// Open returns the object that a handle names. The error wraps [ErrGone] if it is not there or not
// of kind want.
func (t *Table) Open(h Handle, want Kind) (Object, error) {
	if h.Table != t.id {
		return Object{}, fmt.Errorf("%w: it belongs to another tree of processes, or to an earlier run", ErrGone)
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

// A Ref is the name of an object in a word of shared memory whose readers know the table and the
// kind. 0 names none.
type Ref uint64

// Ref returns the name of the object in a word.
func (o Object) Ref() Ref { return Ref(o.identity>>32<<32 | uint64(o.unit)) }

// OpenRef returns the object that a word names, like [Table.Open].
func (t *Table) OpenRef(r Ref, want Kind) (Object, error) {
	return t.Open(Handle{Table: t.id, Kind: want, Unit: uint32(r), Generation: uint32(r >> 32)}, want)
}

// A Carrier writes a message that this process keeps until nobody needs it any more, with the
// objects that it refers to. Carry reports whether it is one now; to keep an object, it calls pin,
// perhaps later, and calls the function that pin returned when the object need not be kept any
// more.
type Carrier interface {
	Carry(pin func() (unpin func())) bool
}

// A Trip is a handle in a message: the table, the kind and whether the message counts as under way
// by itself, the unit and the generation.
type Trip [4]uint64

// Write writes the numbers of a trip one by one.
func (trip Trip) Write(number func(uint64) error) error {
	for _, n := range trip {
		if err := number(n); err != nil {
			return err
		}
	}
	return nil
}

// Read reads the numbers that [Trip.Write] wrote.
func (trip *Trip) Read(number func() (uint64, error)) (err error) {
	for i := range trip {
		if trip[i], err = number(); err != nil {
			return err
		}
	}
	return nil
}

const underWay = kinds // in a Trip, beside the kind

// Keep makes p keep what a message names until release is called, as the one that has received it.
// Whoever sends the message on must call [Object.Depart] each time, and send the trip that Keep has
// changed.
func (p *Process) Keep(trip *Trip) (o Object, release func(), err error) {
	o, arrived, err := p.Receive(*trip, Kind(trip[1]&^underWay))
	if err != nil {
		return o, nil, err
	}
	if release, err = p.Hold(o); err != nil {
		return o, nil, err
	}
	arrived()
	trip[1] |= underWay
	return o, release, nil
}

// Send returns the form of o's handle in a message that is written to w. Unless w is a [Carrier],
// the message itself keeps o until it has arrived. ok is false if o is gone.
func (p *Process) Send(o Object, w any) (trip Trip, ok bool) {
	h := o.Handle()
	trip = Trip{h.Table, uint64(h.Kind), uint64(h.Unit), uint64(h.Generation)}
	if c, ok := w.(Carrier); ok && c.Carry(func() func() { return p.Pin(o) }) {
		return trip, o.Valid()
	}
	trip[1] |= underWay
	return trip, o.Depart()
}

// Receive returns the object that a message names. The caller must call [Process.Have] or
// [Process.Attach] with it and then arrived. The error wraps [ErrGone].
func (p *Process) Receive(trip Trip, want Kind) (o Object, arrived func(), err error) {
	h := Handle{trip[0], Kind(trip[1] &^ underWay), uint32(trip[2]), uint32(trip[3])}
	if o, err = p.table.Open(h, want); err != nil {
		return o, nil, err
	}
	if trip[1]&underWay == 0 {
		return o, func() {}, nil
	}
	return o, o.Arrived, nil
}
