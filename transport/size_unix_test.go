//go:build unix

package transport

import (
	"errors"
	"math"
	"syscall"
	"testing"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

// untouchable returns a slice of n bytes without memory: touching it crashes.
func untouchable(t *testing.T, n int) []byte {
	t.Helper()
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skipf("no address space for %d bytes: %v", n, err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(b); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestAddRefusesBodyThatNoFrameHolds(t *testing.T) {
	big := untouchable(t, headerSize+MaxBody+1)
	w := NewWriter(nil)
	_, err := w.Add(0, 0, func(e *Encoder) error { e.buf = big; return nil })
	w.enc.buf = nil // not the mapping, which goes away
	tooLarge, ok := errors.AsType[*SizeError](err)
	if !ok || tooLarge.Size != MaxBody+1 || tooLarge.Limit != MaxBody {
		t.Errorf("got %v", err)
	}
}

func TestNumbersOverTheSizeOfAnExtensionAreRefused(t *testing.T) {
	big := untouchable(t, math.MaxUint32)
	e := NewEncoder(nil)
	for name, encode := range map[string]func(*msgpack.Encoder) error{
		"raw":   func(mp *msgpack.Encoder) error { return encodeNumbers(mp, 1, false, big, 1) },
		"Slice": func(mp *msgpack.Encoder) error { return Slice[int8](asInt8(big)).EncodeMsgpack(mp) },
		"View":  func(mp *msgpack.Encoder) error { return NewView(big).EncodeMsgpack(mp) },
	} {
		_, ok := errors.AsType[*SizeError](encode(e.mp))
		if !ok || e.Len() != 0 {
			t.Errorf("%s: want a SizeError and no bytes, got %d bytes", name, e.Len())
		}
	}
}

func asInt8(b []byte) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
}
