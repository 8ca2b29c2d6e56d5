package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"mrrun/internal/shm/blocks"
)

const (
	headerSize    = 16
	formatVersion = 1

	// MaxBody is the largest body a frame may have, in bytes: msgpack counts the bytes of a value
	// in 32 bits.
	MaxBody = 1<<32 - 1

	// keepBuffer is the size in bytes of the largest buffer that is kept for the next message.
	keepBuffer = 16 << 20

	// readStep is how many bytes are allocated for a declared length before its bytes have arrived.
	readStep = 1 << 20
)

// ErrFormat is wrapped by every error about bytes that are not a frame of this version: garbage, or
// a peer of another build.
var ErrFormat = errors.New("not a frame")

// A SizeError reports a body that is larger than allowed.
type SizeError struct {
	Size  uint64 // bytes that the body has, or claims to have
	Limit uint64 // bytes that are allowed
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("message of %d bytes is over the limit of %d bytes", e.Size, e.Limit)
}

// A Frame is one message. Body is valid until the next call of [Reader.Next]; copy what must live
// longer.
type Frame struct {
	Kind byte
	Tag  uint32
	Body []byte
	loan *loan // of the body; nil: the body is not in shared memory
}

func appendHeader(buf []byte, kind byte, tag uint32, size uint64) []byte {
	buf = append(buf, 'm', 'r', formatVersion, kind)
	buf = binary.LittleEndian.AppendUint32(buf, tag)
	return binary.LittleEndian.AppendUint64(buf, size)
}

func parseHeader(h []byte) (kind byte, tag uint32, size uint64, err error) {
	if h[0] != 'm' || h[1] != 'r' {
		return 0, 0, 0, fmt.Errorf("%w: it begins with % x", ErrFormat, h[:4])
	}
	if h[2] != formatVersion {
		return 0, 0, 0, fmt.Errorf("%w: format version %d, want %d", ErrFormat, h[2], formatVersion)
	}
	return h[3], binary.LittleEndian.Uint32(h[4:]), binary.LittleEndian.Uint64(h[8:]), nil
}

// A Reader cuts a byte stream into frames. It is not safe for concurrent use.
type Reader struct {
	r          io.Reader
	limit      uint64
	buf        []byte // bytes read and not yet returned are buf[start:end]
	start, end int
	spare      []byte // for the next body that is larger than buf
	partial    []byte // the part of such a body that has arrived, whose header is in buf; nil: none

	views *blocks.Views // of bodies in shared memory; nil: they are refused
	lent  *loan         // of the last body, if it is in shared memory
}

// NewReader returns a Reader that refuses bodies of more than limit bytes; limit 0 means [MaxBody].
func NewReader(r io.Reader, limit uint64) *Reader {
	if limit == 0 || limit > MaxBody {
		limit = MaxBody
	}
	return &Reader{r: r, limit: limit, buf: make([]byte, 64<<10)}
}

// Next waits for the next frame. It returns [io.EOF] if the stream ends between two frames, an
// error that wraps [io.ErrUnexpectedEOF] if it ends inside one, [ErrFormat] for bytes that are not
// a frame and a [SizeError] for a body over the limit. After an error the stream cannot be used any
// more, unless the error is that of a read that only gave up waiting, as at a deadline: then Next
// can be called again and continues where it was.
func (r *Reader) Next() (Frame, error) {
	r.LetGo()
	if err := r.fill(headerSize); err != nil {
		return Frame{}, err
	}
	kind, tag, size, err := parseHeader(r.buf[r.start:])
	if err != nil {
		return Frame{}, err
	}
	if size > r.limit {
		return Frame{}, &SizeError{Size: size, Limit: r.limit}
	}
	if kind&bulkBit != 0 && size != blocks.PieceSize {
		return Frame{}, fmt.Errorf("%w: a reference to shared memory of %d bytes", ErrFormat, size)
	}
	if size > uint64(len(r.buf)-headerSize) {
		body, err := r.large(int(size))
		return Frame{Kind: kind, Tag: tag, Body: body}, err
	}
	if err := r.fill(headerSize + int(size)); err != nil {
		return Frame{}, cut(err)
	}
	body := r.buf[r.start+headerSize : r.start+headerSize+int(size) : r.start+headerSize+int(size)]
	r.start += headerSize + int(size)
	if kind&bulkBit != 0 {
		body, err = r.view(body)
	}
	return Frame{kind &^ bulkBit, tag, body, r.lent}, err
}

// Buffered reports whether [Reader.Next] will return without waiting for more bytes.
func (r *Reader) Buffered() bool {
	have := r.end - r.start
	if have < headerSize {
		return false
	}
	_, _, size, err := parseHeader(r.buf[r.start:])
	return err != nil || size <= uint64(have-headerSize) || size > r.limit
}

// fill makes at least n bytes, n ≤ len(buf), available at start.
func (r *Reader) fill(n int) error {
	if r.end-r.start >= n {
		return nil
	}
	if r.start+n > len(r.buf) || r.start == r.end {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	for r.end-r.start < n {
		m, err := r.r.Read(r.buf[r.end:])
		r.end += m
		if err != nil && r.end-r.start < n {
			if err == io.EOF && r.end > r.start {
				return cut(err)
			}
			return err
		}
	}
	return nil
}

// large reads a body that does not fit the buffer into other memory, which grows only as bytes
// arrive. The header stays in the buffer until the body is complete.
func (r *Reader) large(size int) ([]byte, error) {
	body := r.partial
	r.partial = nil
	if body == nil {
		if body = r.spare[:0]; cap(body) < min(size, readStep) {
			body = make([]byte, 0, min(size, readStep))
		}
		body = append(body, r.buf[r.start+headerSize:r.end]...)
		r.end = r.start + headerSize
	}
	for len(body) < size {
		if len(body) == cap(body) {
			grown := make([]byte, len(body), min(size, 4*cap(body)))
			copy(grown, body)
			body = grown
		}
		n, err := r.r.Read(body[len(body):min(size, cap(body))])
		body = body[:len(body)+n]
		if err != nil && len(body) < size {
			r.partial = body
			return nil, cut(err)
		}
	}
	r.start, r.end = 0, 0
	if cap(body) <= keepBuffer {
		r.spare = body
	}
	return body, nil
}

// cut turns the end of the stream inside a frame into an error that says so.
func cut(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("stream cut inside a message: %w", io.ErrUnexpectedEOF)
	}
	return err
}
