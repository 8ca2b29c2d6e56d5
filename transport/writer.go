package transport

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"sync"
)

// A Writer gathers frames and writes them to an io.Writer, as many at a time as have come together.
// Adding a frame never waits for the stream. A Writer is safe for concurrent use.
//
// Nothing is written before Flush. Only its user bounds what waits in a Writer.
type Writer struct {
	mu   sync.Mutex // guards enc and err
	enc  *Encoder   // whole frames that no Flush has taken yet
	body *Encoder   // for bodies that may go through shared memory; nil: none do
	err  error

	flushing sync.Mutex // held while bytes are written, so that they keep their order
	w        io.Writer
	rest     []byte // what a TryFlush has taken and the stream has not
	spare    []byte
}

// tryFlushBytes is how many bytes TryFlush writes at most: writing more takes longer than waking
// another goroutine.
const tryFlushBytes = 16 << 10

// NewWriter returns a Writer on w.
func NewWriter(w io.Writer) *Writer {
	return &Writer{enc: NewEncoder(nil), w: w}
}

// Add appends a frame whose body encode writes; if encode is nil, the body is empty. It returns the
// number of bytes that now wait for a Flush. Nothing is added after an error of encode or of an
// earlier Flush, or if encode panics.
func (w *Writer) Add(kind byte, tag uint32, encode func(*Encoder) error) (waiting int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	if w.body != nil {
		return w.addLarge(kind, tag, encode)
	}
	start, whole := w.enc.Len(), false
	defer func() {
		if !whole {
			w.enc.Truncate(start)
		}
	}()
	w.enc.buf = appendHeader(w.enc.buf, kind, tag, 0)
	if encode != nil {
		err = encode(w.enc)
	}
	size := uint64(w.enc.Len() - start - headerSize)
	if err = checkSize(size, err); err != nil {
		return start, err
	}
	binary.LittleEndian.PutUint64(w.enc.buf[start+8:], size)
	whole = true
	return w.enc.Len(), nil
}

// addLarge is Add for a body that may become large and go through shared memory.
func (w *Writer) addLarge(kind byte, tag uint32, encode func(*Encoder) error) (waiting int, err error) {
	w.body.Truncate(0)
	if encode != nil {
		err = encode(w.body)
	}
	if err = checkSize(uint64(w.body.Len()), err); err != nil {
		return w.enc.Len(), err
	}
	if piece, ok := w.body.takePiece(); ok {
		w.addPiece(kind, tag, piece)
	} else {
		w.enc.buf = append(appendHeader(w.enc.buf, kind, tag, uint64(w.body.Len())), w.body.buf...)
	}
	return w.enc.Len(), nil
}

func checkSize(size uint64, err error) error {
	if err == nil && size > MaxBody {
		return &SizeError{Size: size, Limit: MaxBody}
	}
	return err
}

// Flush writes all frames added so far. It blocks while the stream does not take them; other frames
// may be added meanwhile. An error is permanent: later calls of all methods return it.
func (w *Writer) Flush() error {
	w.flushing.Lock()
	defer w.flushing.Unlock()
	return w.flush()
}

// TryFlush is Flush as far as that is quick and does not block. It reports whether all is written;
// if not, something is left for Flush, or an error that Flush returns. It writes only to a stream
// with a method TryWrite, which writes as much as it can without waiting and returns how much that
// was.
func (w *Writer) TryFlush() bool {
	stream, ok := w.w.(interface{ TryWrite([]byte) int })
	if !ok || !w.flushing.TryLock() {
		return false
	}
	defer w.flushing.Unlock()
	if len(w.rest) > 0 {
		return false
	}
	frames, err := w.takeFrames(tryFlushBytes)
	if err != nil {
		return false
	}
	w.rest = frames[stream.TryWrite(frames):]
	if len(w.rest) > 0 {
		return false
	}
	w.keep(frames)
	return true
}

// sendNow writes a frame at once and without copying its body, after all that was added before.
func (w *Writer) sendNow(kind byte, tag uint32, body []byte) error {
	size := uint64(len(body))
	if err := checkSize(size, nil); err != nil {
		return err
	}
	w.flushing.Lock()
	defer w.flushing.Unlock()
	if err := w.flush(); err != nil {
		return err
	}
	return w.write(appendHeader(nil, kind, tag, size), body)
}

func (w *Writer) flush() error {
	if len(w.rest) > 0 {
		if err := w.write(w.rest); err != nil {
			return err
		}
		w.rest = nil
	}
	frames, err := w.takeFrames(math.MaxInt)
	if err != nil || len(frames) == 0 {
		return err
	}
	err = w.write(frames)
	w.keep(frames)
	return err
}

var errTooMany = errors.New("more bytes wait than may be taken")

// takeFrames returns the frames added so far if they have at most limit bytes.
func (w *Writer) takeFrames(limit int) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	frames := w.enc.buf
	switch {
	case w.err != nil:
		return nil, w.err
	case len(frames) > limit:
		return nil, errTooMany
	case len(frames) == 0:
		return nil, nil
	}
	w.enc.buf = w.spare
	w.spare = nil
	return frames, nil
}

// keep keeps the memory of written frames for later ones.
func (w *Writer) keep(frames []byte) {
	if frames != nil && cap(frames) <= keepBuffer {
		w.spare = frames[:0]
	}
}

func (w *Writer) write(parts ...[]byte) error {
	for _, part := range parts {
		if _, err := w.w.Write(part); err != nil {
			w.mu.Lock()
			w.err = err
			w.mu.Unlock()
			return err
		}
	}
	return nil
}
