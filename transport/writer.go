package transport

import (
	"encoding/binary"
	"io"
	"sync"
)

// keepBuffer is the largest buffer that a Writer keeps for the next frames.
const keepBuffer = 1 << 20

// A Writer gathers frames and hands them to an io.Writer, as many at a time as have come together: adding a frame never
// waits for the stream. It is safe for concurrent use.
//
// Nothing leaves before Flush. What waits in a Writer is bounded by its user alone.
type Writer struct {
	mu  sync.Mutex // guards enc and err
	enc *Encoder   // whole frames that no Flush has taken yet
	err error

	flushing sync.Mutex // held while bytes are written, so that they keep their order
	w        io.Writer
	spare    []byte
}

// NewWriter returns a Writer on w.
func NewWriter(w io.Writer) *Writer {
	return &Writer{enc: NewEncoder(nil), w: w}
}

// Add appends a frame whose body is what encode writes; a nil encode means an empty body. It returns the number of bytes
// that now wait for a Flush. On an error, of encode or of an earlier Flush, nothing is added.
func (w *Writer) Add(kind byte, tag uint32, encode func(*Encoder) error) (waiting int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	start := w.enc.Len()
	w.enc.buf = appendHeader(w.enc.buf, kind, tag, 0)
	if encode != nil {
		err = encode(w.enc)
	}
	size := uint64(w.enc.Len() - start - headerSize)
	if err == nil && size > MaxBody {
		err = &SizeError{Size: size, Limit: MaxBody}
	}
	if err != nil {
		w.enc.Truncate(start)
		return start, err
	}
	binary.LittleEndian.PutUint64(w.enc.buf[start+8:], size)
	return w.enc.Len(), nil
}

// Flush writes all frames added so far. It blocks while the stream does not take them; other frames may be added
// meanwhile. Its error stays: later calls of Add and Flush return it.
func (w *Writer) Flush() error {
	w.flushing.Lock()
	defer w.flushing.Unlock()

	w.mu.Lock()
	frames, err := w.enc.buf, w.err
	if err != nil || len(frames) == 0 {
		w.mu.Unlock()
		return err
	}
	w.enc.buf = w.spare
	w.mu.Unlock()

	_, err = w.w.Write(frames)
	w.spare = nil
	if cap(frames) <= keepBuffer {
		w.spare = frames[:0]
	}
	if err != nil {
		w.mu.Lock()
		w.err = err
		w.mu.Unlock()
	}
	return err
}
