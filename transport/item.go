package transport

import (
	"encoding/binary"
	"fmt"
	"io"
)

// itemLength is the length in front of an item whose type has methods of its own, in as many bytes
// as always: it is known last. Only such a method can fail, or take more or less than its own; of
// other items the body holds nothing but themselves.
const itemLength = 8

// EncodeItem is [Codec.Encode] of one of several values in a row, for [Codec.DecodeItem].
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

// DecodeItem is [Codec.Decode] of a value that EncodeItem has appended. failed is about this value
// alone: a method of T, or of a part of it, could not decode it, and those behind it can be taken
// all the same. After err none can.
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
		d.mp.Reset(d) // it may have been left in the middle of something
	}
	return failed, nil
}
