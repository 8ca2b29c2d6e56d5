package transport

import (
	"encoding/binary"
	"fmt"
	"io"
)

// maxDepth bounds how deep arrays and maps of one value may be nested.
const maxDepth = 1000

// CheckWhole returns an error unless b begins with a whole msgpack value: one in which every array,
// map and string has as many parts as it declares. It is for bytes from others that the msgpack
// library decodes without a [Codec]: the library would allocate memory for what they declare.
func CheckWhole(b []byte) error { return checkLengths(b, true) }

// checkLengths makes sure that the first msgpack value of b is whole: that every array, map and
// string in it has as many parts as it declares. The msgpack library allocates memory for a
// declared length at once, so a body of five bytes could otherwise ask for a hundred gigabytes.
//
// The library also decodes a map from an extension, where this function cannot see it. So unless
// exts is set, it allows only the extensions of numbers, which do not look like a map.
func checkLengths(b []byte, exts bool) error {
	if _, err := valueLen(b, 0, exts); err != nil {
		return fmt.Errorf("broken msgpack value in a body of %d bytes: %w", len(b), err)
	}
	return nil
}

// valueLen returns the length in bytes of the first value of b.
func valueLen(b []byte, depth int, exts bool) (int, error) {
	if len(b) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	if depth > maxDepth {
		return 0, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	c := b[0]
	switch {
	case c <= 0x7f, c >= 0xe0: // small integers
		return 1, nil
	case c <= 0x8f:
		return partsLen(b, 1, 2*int(c&0x0f), depth, exts)
	case c <= 0x9f:
		return partsLen(b, 1, int(c&0x0f), depth, exts)
	case c <= 0xbf:
		return bytesLen(b, 1+int(c&0x1f))
	}
	switch c {
	case 0xc0, 0xc2, 0xc3: // nil, false, true
		return 1, nil
	case 0xc4, 0xd9: // bin 8, str 8
		return sizedLen(b, 1)
	case 0xc5, 0xda:
		return sizedLen(b, 2)
	case 0xc6, 0xdb:
		return sizedLen(b, 4)
	case 0xc7, 0xc8, 0xc9: // ext 8, 16, 32
		width := 1 << (c - 0xc7)
		n, err := bigEndian(b, width)
		if err != nil {
			return 0, err
		}
		return extLen(b, 1+width, n, exts)
	case 0xcc, 0xd0: // numbers of 8, 16, 32, 64 bits
		return bytesLen(b, 2)
	case 0xcd, 0xd1:
		return bytesLen(b, 3)
	case 0xce, 0xd2, 0xca:
		return bytesLen(b, 5)
	case 0xcf, 0xd3, 0xcb:
		return bytesLen(b, 9)
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8: // ext of 1, 2, 4, 8, 16 bytes
		return extLen(b, 1, 1<<(c-0xd4), exts)
	case 0xdc, 0xdd: // array 16, 32
		return countedLen(b, 2<<(c-0xdc), 1, depth, exts)
	case 0xde, 0xdf: // map 16, 32
		return countedLen(b, 2<<(c-0xde), 2, depth, exts)
	}
	return 0, fmt.Errorf("invalid msgpack code %#x", c)
}

func bytesLen(b []byte, n int) (int, error) {
	if n > len(b) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

// bigEndian reads the number of the given width in bytes that follows the code.
func bigEndian(b []byte, width int) (int, error) {
	if 1+width > len(b) {
		return 0, io.ErrUnexpectedEOF
	}
	switch width {
	case 1:
		return int(b[1]), nil
	case 2:
		return int(binary.BigEndian.Uint16(b[1:])), nil
	default:
		return int(binary.BigEndian.Uint32(b[1:])), nil
	}
}

func sizedLen(b []byte, width int) (int, error) {
	n, err := bigEndian(b, width)
	if err != nil {
		return 0, err
	}
	return bytesLen(b, 1+width+n)
}

// extLen returns the length in bytes of an extension of n bytes whose type is at offset at.
func extLen(b []byte, at, n int, exts bool) (int, error) {
	end, err := bytesLen(b, at+1+n)
	if err == nil && !exts && !(n > 0 && (b[at] == extNumbers || b[at] == extView) && b[at+1] <= maxKind) {
		err = fmt.Errorf("extension of type %d, which the type does not contain", int8(b[at]))
	}
	return end, err
}

func countedLen(b []byte, width, perPart, depth int, exts bool) (int, error) {
	n, err := bigEndian(b, width)
	if err != nil {
		return 0, err
	}
	return partsLen(b, 1+width, n*perPart, depth, exts)
}

// partsLen returns the length in bytes of an array or map whose parts begin at offset at. Each part
// takes at least one byte.
func partsLen(b []byte, at, parts, depth int, exts bool) (int, error) {
	if parts > len(b)-at {
		return 0, io.ErrUnexpectedEOF
	}
	for range parts {
		n, err := valueLen(b[at:], depth+1, exts)
		if err != nil {
			return 0, err
		}
		at += n
	}
	return at, nil
}
