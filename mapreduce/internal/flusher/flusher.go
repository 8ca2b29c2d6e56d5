// Package flusher flushes a writer without making its users wait for who reads.
package flusher

// A Writer gathers what is to be written, as a transport.Writer does.
type Writer interface {
	Flush() error
	TryFlush() bool
}

// A Flusher flushes a Writer. Its methods are safe for concurrent use.
type Flusher struct {
	writer Writer
	asked  chan struct{} // holds a token when Run has to flush
}

// New returns a Flusher of w.
func New(w Writer) *Flusher { return &Flusher{writer: w, asked: make(chan struct{}, 1)} }

// Soon writes what waits, as far as that does not block, and leaves the rest to Run: waking that
// takes longer.
func (f *Flusher) Soon() {
	if !f.writer.TryFlush() {
		f.Later()
	}
}

// Later leaves it to Run to write what waits.
func (f *Flusher) Later() {
	select {
	case f.asked <- struct{}{}:
	default: // Run will write this too
	}
}

// Run writes what Soon and Later leave to it, until quit is closed. It passes errors to failed.
func (f *Flusher) Run(quit <-chan struct{}, failed func(error)) {
	for {
		select {
		case <-f.asked:
			if err := f.writer.Flush(); err != nil {
				failed(err)
			}
		case <-quit:
			return
		}
	}
}
