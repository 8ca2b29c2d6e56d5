package shuffle

import (
	"encoding/binary"
	"errors"
)

// A record of a key of bytes and a value of 64 bits is
//
//	length of the key × 2, + 1 if a value follows     1 byte
//	the length, if it is longLength or more           uvarint
//	the key
//	the value, if it is not 1                         uvarint, as zigzag
//
// so that a word that occurs once takes a byte more than the word.
const longLength = 127

// maxHead is the most that is written beside the key, in bytes.
const maxHead = 1 + 2*binary.MaxVarintLen64

var errDamaged = errors.New("read records: they are damaged")

// appendShort writes the record of a short key to a partition.
func (w *Writer) appendShort(partition int, k words, v uint64) {
	n := int(k.hi>>56) - 1
	b := w.room(partition, n+maxHead)
	at := b.buf[b.n : b.n+n+maxHead+16]
	binary.LittleEndian.PutUint64(at[1:], k.lo)
	binary.LittleEndian.PutUint64(at[9:], k.hi)
	if v == 1 {
		at[0] = byte(n << 1)
		b.n += 1 + n
		return
	}
	at[0] = byte(n<<1 | 1)
	b.n += 1 + n + binary.PutUvarint(at[1+n:], zigzag(v))
}

// appendLong writes the record of any key to a partition.
func (w *Writer) appendLong(partition int, key string, v uint64) {
	b := w.room(partition, len(key)+maxHead)
	at := b.buf[b.n:]
	used := 1
	head := byte(len(key)) << 1
	if len(key) >= longLength {
		head = longLength << 1
		used += binary.PutUvarint(at[1:], uint64(len(key)))
	}
	used += copy(at[used:], key)
	if v != 1 {
		head |= 1
		used += binary.PutUvarint(at[used:], zigzag(v))
	}
	at[0] = head
	b.n += used
}

// headAt returns where the key of the record at offset at of a block lies, and whether a value
// follows it.
func headAt(block []byte, at int) (begin, end int, value bool, err error) {
	head := block[at]
	begin, value = at+1, head&1 != 0
	n := uint64(head >> 1)
	if n == longLength {
		var used int
		if n, used = binary.Uvarint(block[begin:]); used <= 0 || n > uint64(len(block)) {
			return 0, 0, false, errDamaged
		}
		begin += used
	}
	if end = begin + int(n); end > len(block) {
		return 0, 0, false, errDamaged
	}
	return begin, end, value, nil
}

// valueAt returns the value at an offset of a block, and where the next record begins.
func valueAt(block []byte, at int) (v uint64, next int, err error) {
	u, used := binary.Uvarint(block[at:])
	if used <= 0 {
		return 0, 0, errDamaged
	}
	return unzigzag(u), at + used, nil
}

// Each calls f for the records of a block. key and record are valid as long as the block is.
func Each(block []byte, f func(key []byte, v uint64, record []byte)) error {
	for at := 0; at < len(block); {
		begin, next, follows, err := headAt(block, at)
		if err != nil {
			return err
		}
		key, v := block[begin:next], uint64(1)
		if follows {
			if v, next, err = valueAt(block, next); err != nil {
				return err
			}
		}
		f(key, v, block[at:next])
		at = next
	}
	return nil
}

func zigzag(v uint64) uint64   { return v<<1 ^ uint64(int64(v)>>63) }
func unzigzag(u uint64) uint64 { return u>>1 ^ -(u & 1) }
