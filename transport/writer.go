package transport

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"sync"
)

// A Writer gathers frames and hands them to an io.Writer, as many at a time as have come together: adding a frame never
// waits for the stream. It is safe for concurrent use.
//
// Nothing leaves before Flush. What waits in a Writer is bounded by its user alone.
type Writer struct {
	mu   sync.Mutex // guards enc and err
	enc  *Encoder   // whole frames that no Flush has taken yet
	body *Encoder   // where bodies are made that may go through shared memory; nil: none do
	err  error

	flushing sync.Mutex // held while bytes are written, so that they keep their order
	w        io.Writer
	rest     []byte // what a TryFlush has taken and the stream has not
	spare    []byte
}

// tryFlushBytes is the most that TryFlush writes: more takes the stream longer than waking another goroutine does.
const tryFlushBytes = 16 << 10

// NewWriter returns a Writer on w.
func NewWriter(w io.Writer) *Writer {
	return &Writer{enc: NewEncoder(nil), w: w}
}

// Add appends a frame whose body is what encode writes; a nil encode means an empty body. It returns the number of bytes
// that now wait for a Flush. On an error, of encode or of an earlier Flush, and on a panic in encode nothing is added.
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

// addLarge is Add where the body may turn out to be large, and go through shared memory.
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

// Flush writes all frames added so far. It blocks while the stream does not take them; other frames may be added
// meanwhile. Its error stays: later calls of all methods return it.
func (w *Writer) Flush() error {
	w.flushing.Lock()
	defer w.flushing.Unlock()
	return w.flush()
}

// TryFlush is Flush as far as it is quick and does not block. It reports whether all is done; if not, there is something
// left for Flush, or an error that Flush returns. Only a stream with a method TryWrite, which writes what can be written
// without waiting and returns how much that was, is written to.
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

// keep has the memory of written frames used again.
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
