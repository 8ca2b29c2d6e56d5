package manager

import (
	"bytes"
	"encoding/binary"

	"mrrun/internal/shm"
	"mrrun/transport"
)

// A sharedRef keeps an object in shared memory, such as a lock or an array, for a stored value that
// refers to it.
type sharedRef struct {
	object  shm.Object
	release func()
}

// sharedIn returns references to the objects in shared memory that an encoded value names. It looks
// for the number of the table, which is random and so is nowhere but in the name of such an object.
// It changes the value so that each copy ends a departure when it is decoded: see [stored.depart].
func sharedIn(value []byte) (found []sharedRef) {
	p := shm.Present()
	if p == nil {
		return nil
	}
	trip := shm.Trip{p.Table().ID()}
	const code = 0xcf // the msgpack code of a number of 8 bytes
	table := binary.BigEndian.AppendUint64([]byte{code}, trip[0])
	for {
		i := bytes.Index(value, table)
		if i < 0 {
			return found
		}
		value = value[i+len(table):]
		in := transport.NewDecoder(value)
		var err error
		for n := 1; n < len(trip) && err == nil; n++ {
			trip[n], err = in.Uint()
		}
		if err != nil {
			continue
		}
		if o, release, err := p.Keep(&trip); err == nil { // otherwise the receiver gets an error
			value[0] = byte(trip[1]) // a kind and its flag fit in one byte
			found = append(found, sharedRef{o, release})
		}
	}
}

// depart records that a copy of the value is under way, so that the objects that the value names
// stay in shared memory until the copy is decoded.
func (v stored) depart() {
	for _, s := range v.shared {
		s.object.Depart()
	}
}

// releaseShared releases the objects in shared memory that the value names.
func (v stored) releaseShared() {
	for _, s := range v.shared {
		s.release()
	}
}
