package transport

import "sync"

// A Cargo is what values refer to that processes share: arrays, ends of pipes and the like. Whoever may send a value several
// times, or some time after it was given to him, has this process keep its cargo meanwhile, though its user closes it. Its
// methods are safe for concurrent use.
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

// Orphan says that the process that was sent the values has died in the middle of its work: others must not wait for what
// it would have done with the cargo. The Cargo must not have been released.
func (c *Cargo) Orphan() {
	c.mu.Lock()
	orphan := c.orphan
	c.mu.Unlock()
	for _, f := range orphan {
		f()
	}
}

// Release ends the keeping. The Cargo is empty then; nil always is.
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

// Keep adds what *v refers to to the cargo. For a T that cannot refer to anything it does nothing; otherwise it takes about as
// long as to encode the value.
func (c *Codec[T]) Keep(cargo *Cargo, v *T) {
	if !c.refers {
		return
	}
	e := NewEncoder(nil)
	e.cargo = cargo
	done := make(chan struct{})
	go func() { // a user's method may call runtime.Goexit
		defer close(done)
		_ = c.encode(e, v) // who sends it returns the error
	}()
	<-done
}

// Keeping returns the cargo of one value; nil for a T that cannot refer to anything.
func (c *Codec[T]) Keeping(v *T) *Cargo {
	if !c.refers {
		return nil
	}
	cargo := new(Cargo)
	c.Keep(cargo, v)
	return cargo
}

// KeptBySender says whether somebody in this process keeps the cargo of what is encoded from now on, see [Codec.Keep], for as
// long as anybody may decode it. If not, as at first, what is encoded is kept until it was decoded once.
func (e *Encoder) KeptBySender(kept bool) { e.kept = kept }

// Carry implements what the objects of shared memory look for in the writer of an encoder.
func (e *Encoder) Carry(pin func() (unpin func())) bool {
	if e.cargo != nil {
		e.cargo.add(pin())
	}
	return e.kept || e.cargo != nil
}

// Orphaned implements what a barrier looks for in the writer of an encoder: f is called by [Cargo.Orphan].
func (e *Encoder) Orphaned(f func()) {
	if e.cargo == nil {
		return
	}
	e.cargo.mu.Lock()
	defer e.cargo.mu.Unlock()
	e.cargo.orphan = append(e.cargo.orphan, f)
}
