package transport

import (
	"fmt"
	"io"
	"sync"
)

// A Conn sends and receives values of one type over a byte stream, one value in one frame, so that
// boundaries are kept. It is safe for concurrent use: one Send and one Recv may run at the same
// time, others wait their turn.
type Conn[T any] struct {
	stream io.ReadWriteCloser
	codec  *Codec[T]

	sending sync.Mutex
	out     *Writer

	receiving sync.Mutex
	in        *Reader
	dec       *Decoder
}

// NewConn returns a Conn on stream, which it owns from then on. It refuses to receive bodies of
// more than limit bytes; 0 means [MaxBody]. The error is a [TypeError] if T cannot travel.
func NewConn[T any](stream io.ReadWriteCloser, limit uint64) (*Conn[T], error) {
	codec, err := NewCodec[T]()
	if err != nil {
		return nil, err
	}
	return &Conn[T]{
		stream: stream, codec: codec,
		out: NewWriter(stream), in: NewReader(stream, limit), dec: NewDecoder(nil),
	}, nil
}

// Send encodes v and writes it; v may be changed as soon as Send returns. It blocks while the
// stream takes no more. If v cannot be encoded, Send returns an error and the Conn stays usable;
// after any other error it cannot be used any more.
func (c *Conn[T]) Send(v T) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	_, err := c.out.Add(0, 0, func(e *Encoder) error { return c.codec.Encode(e, &v) })
	if err == nil {
		err = c.out.Flush()
	}
	if err != nil {
		return fmt.Errorf("send %T: %w", v, err)
	}
	return nil
}

// Recv waits for the next value. It returns [io.EOF] itself, unwrapped, if the other end was closed
// or is gone.
func (c *Conn[T]) Recv() (v T, err error) {
	c.receiving.Lock()
	defer c.receiving.Unlock()
	f, err := c.in.Next()
	if err == io.EOF {
		return v, err
	}
	if err == nil {
		c.dec.Reset(f.Body)
		err = c.codec.Decode(c.dec, &v)
	}
	if err == nil && len(c.dec.Rest()) > 0 {
		err = fmt.Errorf("%w: %d bytes after the value", ErrFormat, len(c.dec.Rest()))
	}
	if err != nil {
		return v, fmt.Errorf("receive %T: %w", v, err)
	}
	return v, nil
}

// Close closes the stream; calls under way return an error.
func (c *Conn[T]) Close() error { return c.stream.Close() }
