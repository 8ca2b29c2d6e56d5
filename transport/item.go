package transport

import (
	"encoding/binary"
	"fmt"
	"io"
)

// itemLength is the size in bytes of the length that precedes an item whose type has methods of its
// own. The size is fixed, since the length is known last. Only such a method can fail, or take more
// or fewer bytes than its own; items of other types have no length.
const itemLength = 8

// EncodeItem is [Codec.Encode] for one of several values in a row. [Codec.DecodeItem] takes it.
func (c *Codec[T]) EncodeItem(e *Encoder, v *T) error {
	if !c.methods {
		return c.encode(e, v)
	}
	start := e.Len()
	_, _ = e.Write(make([]byte, itemLength))
	err := c.encode(e, v)
	binary.LittleEndian.PutUint64(e.buf[start:], uint64(e.Len()-start-itemLength))
	return err
}

// DecodeItem is [Codec.Decode] for a value that EncodeItem has appended. failed concerns only this
// value: a method of T, or of a part of it, could not decode it, and later values can still be
// taken. After err no later value can.
func (c *Codec[T]) DecodeItem(d *Decoder, v *T) (failed, err error) {
	if !c.methods {
		return nil, c.decode(d, v)
	}
	length, err := d.next(itemLength)
	if err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(length)
	if n > uint64(len(d.Rest())) {
		return nil, fmt.Errorf("item of %d bytes in a body with %d left: %w", n, len(d.Rest()), io.ErrUnexpectedEOF)
	}
	whole, end := d.body, d.off+int(n)
	d.body = d.body[:end:end]
	failed = c.decode(d, v)
	d.body, d.off = whole, end
	if failed != nil {
		d.mp.Reset(d) // it may be in the middle of a value
	}
	return failed, nil
}
