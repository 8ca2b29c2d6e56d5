package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// itemLength is the size in bytes of the length that precedes an item whose type has methods of its
// own. The size is fixed, since the length is known last. Only such a method can fail, or take more
// or fewer bytes than its own; items of other types have no length.
const itemLength = 8

// An itemError is the error of one of several values in a row. Later values can still be taken.
type itemError struct{ error }

func (e itemError) Unwrap() error { return e.error }

// OfItem returns what is wrong with one value alone, if that is what a codec of [NewItemCodec]
// returned err for: a method of its type, or of a part of it, could not decode the value. It
// returns nil if no later value can be taken either.
func OfItem(err error) error {
	if of, ok := errors.AsType[itemError](err); ok {
		return of.error
	}
	return nil
}

// NewItemCodec is [NewCodec] for several values in a row: one that cannot be decoded does not
// affect later ones, see [OfItem].
func NewItemCodec[T any]() (*Codec[T], error) {
	c, err := NewCodec[T]()
	if err != nil || !c.methods {
		return c, err
	}
	return &Codec[T]{encode: c.encodeItem, decode: c.decodeItem, refers: c.refers}, nil
}

func (c *Codec[T]) encodeItem(e *Encoder, v *T) error {
	start := e.Len()
	_, _ = e.Write(make([]byte, itemLength))
	err := c.encode(e, v)
	binary.LittleEndian.PutUint64(e.buf[start:], uint64(e.Len()-start-itemLength))
	return err
}

func (c *Codec[T]) decodeItem(d *Decoder, v *T) error {
	length, err := d.next(itemLength)
	if err != nil {
		return err
	}
	n := binary.LittleEndian.Uint64(length)
	if n > uint64(len(d.Rest())) {
		return fmt.Errorf("item of %d bytes in a body with %d left: %w", n, len(d.Rest()), io.ErrUnexpectedEOF)
	}
	whole, end := d.body, d.off+int(n)
	d.body = d.body[:end:end]
	failed := c.decode(d, v)
	d.body, d.off = whole, end
	if failed == nil {
		return nil
	}
	d.mp.Reset(d) // it may be in the middle of a value
	return itemError{failed}
}
