package manager

import (
	"bytes"
	"encoding/binary"

	"mrrun/internal/shm"
	"mrrun/transport"
)

// A sharedRef keeps an object in shared memory, such as a lock or an array, as a stored value
// refers to it.
type sharedRef struct {
	object  shm.Object
	release func()
}

// sharedIn returns references to the objects in shared memory that an encoded value names: the
// number of a table is random, and is nowhere but in the name of such an object. The value is
// changed so that whoever gets a copy ends a departure, see [stored.depart].
func sharedIn(value []byte) (found []sharedRef) {
	p := shm.Present()
	if p == nil {
		return nil
	}
	trip := shm.Trip{p.Table().ID()}
	const code = 0xcf // of msgpack, for a number of 8 bytes
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
		if o, release, err := p.Keep(&trip); err == nil { // otherwise who gets it learns that it is gone
			value[0] = byte(trip[1]) // kinds are so few that each is one byte
			found = append(found, sharedRef{o, release})
		}
	}
}

// depart says that a copy of the value is under way, so that what it names in shared memory stays
// until the copy is decoded.
func (v stored) depart() {
	for _, s := range v.shared {
		s.object.Depart()
	}
}

// leave ends the keeping of what the value names in shared memory.
func (v stored) leave() {
	for _, s := range v.shared {
		s.release()
	}
}
