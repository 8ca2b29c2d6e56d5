package transport

import "sync"

// A Cargo is the set of shared objects that values refer to: arrays, ends of pipes and the like. A
// sender that may send a value several times, or some time after it was given the value, keeps its
// cargo meanwhile, so that the objects stay even if their user closes them. The methods of a Cargo
// are safe for concurrent use.
type Cargo struct {
	mu     sync.Mutex
	unpin  []func()
	orphan []func() // see Orphan
}

func (c *Cargo) add(unpin func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unpin = append(c.unpin, unpin)
}

// Orphan says that the process that received the values has died in the middle of its work, so that
// others do not wait for what it would have done with the cargo. It must not be called after
// Release.
func (c *Cargo) Orphan() {
	c.mu.Lock()
	orphan := c.orphan
	c.mu.Unlock()
	for _, f := range orphan {
		f()
	}
}

// Release ends the keeping and empties the Cargo. It does nothing for nil.
func (c *Cargo) Release() {
	if c == nil {
		return
	}
	c.mu.Lock()
	unpin := c.unpin
	c.unpin, c.orphan = nil, nil
	c.mu.Unlock()
	for _, f := range unpin {
		f()
	}
}

// Keep adds what *v refers to to the cargo. It does nothing for a T that cannot refer to anything;
// otherwise it takes about as long as encoding the value.
func (c *Codec[T]) Keep(cargo *Cargo, v *T) {
	if !c.refers {
		return
	}
	e := NewEncoder(nil)
	e.cargo = cargo
	done := make(chan struct{})
	go func() { // a user's method may call runtime.Goexit
		defer close(done)
		_ = c.encode(e, v) // the sender returns the error
	}()
	<-done
}

// Keeping returns the cargo of one value, or nil for a T that cannot refer to anything.
func (c *Codec[T]) Keeping(v *T) *Cargo {
	if !c.refers {
		return nil
	}
	cargo := new(Cargo)
	c.Keep(cargo, v)
	return cargo
}

// KeptBySender says whether this process keeps the cargo of what is encoded from now on, see
// [Codec.Keep], for as long as any process may decode it. If not, as at first, the objects are kept
// until the value was decoded once.
func (e *Encoder) KeptBySender(kept bool) { e.kept = kept }

// Carry implements [shm.Carrier], which shared objects look for in the writer of a msgpack encoder.
func (e *Encoder) Carry(pin func() (unpin func())) bool {
	if e.cargo != nil {
		e.cargo.add(pin())
	}
	return e.kept || e.cargo != nil
}

// Orphaned implements the method that a barrier looks for in the writer of a msgpack encoder:
// [Cargo.Orphan] calls f.
func (e *Encoder) Orphaned(f func()) {
	if e.cargo == nil {
		return
	}
	e.cargo.mu.Lock()
	defer e.cargo.mu.Unlock()
	e.cargo.orphan = append(e.cargo.orphan, f)
}
