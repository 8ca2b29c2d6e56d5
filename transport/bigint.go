package transport

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/big"
	"unsafe"
)

// bigCodec returns the codec for T = big.Int, *big.Int or []*big.Int, and nil for all other types.
func bigCodec[T any]() *Codec[T] {
	var c any
	switch any((*T)(nil)).(type) {
	case *big.Int:
		c = &Codec[big.Int]{encode: encodeBig, decode: func(d *Decoder, v *big.Int) error {
			_, err := decodeBig(d, v)
			return err
		}}
	case **big.Int:
		c = &Codec[*big.Int]{encode: encodeBigPointer, decode: decodeBigPointer}
	case *[]*big.Int:
		c = &Codec[[]*big.Int]{encode: encodeBigs, decode: decodeBigs}
	default:
		return nil
	}
	return c.(*Codec[T])
}

func encodeBig(e *Encoder, v *big.Int) error {
	words := v.Bits()
	size := (v.BitLen() + 7) / 8
	if size >= math.MaxUint32 {
		return &SizeError{Size: uint64(size), Limit: math.MaxUint32 - 1}
	}
	if err := e.mp.EncodeExtHeader(extBigInt, 1+size); err != nil {
		return err
	}
	sign := byte(0)
	if v.Sign() < 0 {
		sign = 1
	}
	e.buf = append(e.buf, sign)
	start := len(e.buf)
	if littleEndian {
		e.buf = append(e.buf, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size)...)
		return nil
	}
	for _, w := range words {
		e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(w))
	}
	e.buf = e.buf[:start+size]
	return nil
}

// decodeBig sets *v and reports whether there was a number; it reports false for nil.
func decodeBig(d *Decoder, v *big.Int) (bool, error) {
	ext, err := readExt(d.mp, extBigInt)
	if err != nil || ext == nil {
		return false, err
	}
	if len(ext) == 0 || ext[0] > 1 {
		return false, fmt.Errorf("decode big.Int: bad sign in %d bytes", len(ext))
	}
	mag := ext[1:]
	if len(mag) == 0 {
		return true, nil // leave zero as it is, not with empty words
	}
	words := make([]big.Word, (len(mag)+7)/8)
	if littleEndian {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8), mag)
	} else {
		for i, b := range mag {
			words[i/8] |= big.Word(b) << (i % 8 * 8)
		}
	}
	v.SetBits(words)
	if ext[0] == 1 {
		v.Neg(v)
	}
	return true, nil
}

func encodeBigPointer(e *Encoder, v **big.Int) error {
	if *v == nil {
		return e.mp.EncodeNil()
	}
	return encodeBig(e, *v)
}

func decodeBigPointer(d *Decoder, v **big.Int) error {
	x := new(big.Int)
	ok, err := decodeBig(d, x)
	if ok {
		*v = x
	}
	return err
}

func encodeBigs(e *Encoder, v *[]*big.Int) error {
	if *v == nil {
		return e.mp.EncodeNil()
	}
	if err := e.mp.EncodeArrayLen(len(*v)); err != nil {
		return err
	}
	for i := range *v {
		if err := encodeBigPointer(e, &(*v)[i]); err != nil {
			return err
		}
	}
	return nil
}

func decodeBigs(d *Decoder, v *[]*big.Int) error {
	n, err := d.mp.DecodeArrayLen()
	if err != nil || n < 0 {
		return err
	}
	if n > len(d.Rest()) {
		return fmt.Errorf("decode []*big.Int: %d elements in %d bytes: %w", n, len(d.Rest()), io.ErrUnexpectedEOF)
	}
	*v = make([]*big.Int, n)
	for i := range *v {
		if err := decodeBigPointer(d, &(*v)[i]); err != nil {
			return err
		}
	}
	return nil
}
