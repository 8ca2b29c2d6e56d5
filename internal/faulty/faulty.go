// Package faulty makes streams that fail at their n-th operation, to test the code that uses them:
// count the operations of a run without faults, then repeat the run with a fault at each of them.
package faulty

import (
	"errors"
	"io"
	"sync"
	"time"
)

// A Fault is a way in which an operation goes wrong.
type Fault int

const (
	Fail    Fault = iota // the operation returns ErrInjected and moves nothing
	Cut                  // the operation moves half of its bytes; then the stream is at its end
	Delay                // the operation starts 20 ms late
	Corrupt              // one bit of the bytes is flipped
)

// String returns the fault's name.
func (f Fault) String() string { return [...]string{"fail", "cut", "delay", "corrupt"}[f] }

// ErrInjected is the error of a [Fail], and of a write after a [Cut].
var ErrInjected = errors.New("injected fault")

const delay = 20 * time.Millisecond

// A Plan makes one operation of all its streams together go wrong. It is safe for concurrent use.
type Plan struct {
	mu    sync.Mutex
	n     int // counts down to the operation
	fault Fault
	done  int
	fired bool
}

// NewPlan returns a plan for the n-th read or write, counted from 1; with 0 none goes wrong.
func NewPlan(n int, fault Fault) *Plan { return &Plan{n: n, fault: fault} }

// Operations returns how many reads and writes there were so far.
func (p *Plan) Operations() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// Fired reports whether the fault has happened.
func (p *Plan) Fired() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fired
}

// now counts an operation and reports whether it is the one that goes wrong.
func (p *Plan) now() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if p.done != p.n {
		return false
	}
	p.fired = true
	return true
}

// Reader returns r with the faults of the plan.
func (p *Plan) Reader(r io.Reader) io.Reader { return &reader{plan: p, r: r} }

type reader struct {
	plan *Plan
	r    io.Reader
	cut  bool
}

func (f *reader) Read(b []byte) (int, error) {
	if f.cut {
		return 0, io.EOF
	}
	if !f.plan.now() {
		return f.r.Read(b)
	}
	switch f.plan.fault {
	case Fail:
		return 0, ErrInjected
	case Delay:
		time.Sleep(delay)
	}
	n, err := f.r.Read(b)
	switch f.plan.fault {
	case Cut:
		f.cut = true
		return n / 2, err
	case Corrupt:
		if n > 0 {
			b[n/2] ^= 0x10
		}
	}
	return n, err
}

// Writer returns w with the faults of the plan.
func (p *Plan) Writer(w io.Writer) io.Writer { return &writer{plan: p, w: w} }

type writer struct {
	plan *Plan
	w    io.Writer
	cut  bool
}

func (f *writer) Write(b []byte) (int, error) {
	if f.cut {
		return 0, ErrInjected
	}
	if !f.plan.now() {
		return f.w.Write(b)
	}
	switch f.plan.fault {
	case Fail:
		return 0, ErrInjected
	case Cut:
		f.cut = true
		n, _ := f.w.Write(b[:len(b)/2])
		return n, ErrInjected
	case Delay:
		time.Sleep(delay)
	case Corrupt:
		b = append([]byte(nil), b...)
		b[len(b)/2] ^= 0x10
	}
	return f.w.Write(b)
}
