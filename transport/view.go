package transport

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

// A View is a slice of numbers that is sent like a [Slice] and received without being copied. If a
// worker or a process receives one of 64 KiB or more in an argument, or sends it in a result, it
// stays in the memory that the process shares with its driver, and [View.Slice] is that memory.
// Smaller ones, and those that arrive another way, are ordinary slices; nothing else differs.
//
// The receiver may write to the slice, which does not change the sender's. It is on loan:
//
//   - A View in the argument of a task, or in a piece of a job, is released when the task has returned
//     and its result is encoded; the result may be the argument's View, or a part of it.
//   - A View in a result stays until [View.Release], even after the end of its worker and of its pool.
//     Until then its memory cannot be used for other messages. If Release is forgotten, the garbage
//     collector releases the View when nothing refers to it any more.
//
// A View is passed by value, and may be part of a struct, slice or map; all copies of it are
// released together. The zero View holds a nil slice. The methods are safe for concurrent use, but
// the slice must not be in use when the View is released.
type View[E Number] struct {
	_   [0]func() // not comparable: == would compare places
	own *view[E]
}

type view[E Number] struct {
	slice    []E
	released atomic.Bool
	lease    *lease // of the slice's memory; nil: ordinary memory
	cleanup  runtime.Cleanup
}

// NewView returns a View of s, without copying it. When the View is sent as an argument or a
// result, s is copied once, into the shared memory. s must not change while it is sent.
func NewView[E Number](s []E) View[E] { return View[E]{own: &view[E]{slice: s}} }

// Slice returns the numbers themselves. The slice must not be used after the View's release, since
// other numbers may then be in its place: keep a [slices.Clone] of what must last. The garbage
// collector tracks the View, not the slice: a deferred Release keeps both.
//
// Slice panics after the View's release.
func (v View[E]) Slice() []E {
	if v.own == nil {
		return nil
	}
	if v.own.released.Load() {
		panic("transport: use of a View after its release (an argument's View is released when the task returns): keep a slices.Clone")
	}
	return v.own.slice
}

// Release says that the slice is not used any more, so that its memory can be used for other
// messages. It does not block, and may be called more than once.
func (v View[E]) Release() {
	if v.own == nil || v.own.released.Swap(true) || v.own.lease == nil {
		return
	}
	v.own.cleanup.Stop()
	runtime.KeepAlive(v.own) // otherwise the cleanup might have begun
	v.own.lease.end()
}

// String describes the View, without its numbers.
func (v View[E]) String() string {
	n := 0
	if v.own != nil {
		n = len(v.own.slice)
	}
	return fmt.Sprintf("View[%v] of %d", reflect.TypeFor[E](), n)
}

func (v View[E]) numbers() {} // as in Slice

// EncodeMsgpack implements [msgpack.CustomEncoder]. After the View's release it returns an error.
func (v View[E]) EncodeMsgpack(mp *msgpack.Encoder) error {
	if v.own == nil || v.own.slice == nil {
		return writeNumbers(mp, extView, 0, 0, nil, 1)
	}
	if v.own.released.Load() {
		return errors.New("the View was released before it was sent")
	}
	defer runtime.KeepAlive(v.own)
	raw, size := rawBytes(v.own.slice), int(unsafe.Sizeof(*new(E)))
	pad := 0
	if e, ok := mp.Writer().(*Encoder); ok && len(raw) >= bulkSize {
		pad = -(e.Len() + viewHeader) & (size - 1)
	}
	return writeNumbers(mp, extView, elemKind(reflect.TypeFor[E]()), pad, raw, size)
}

// viewHeader is how many bytes precede the padding of a large View: code, length, extension type,
// kind of the elements.
const viewHeader = 1 + 4 + 1 + 1

// DecodeMsgpack implements [msgpack.CustomDecoder].
func (v *View[E]) DecodeMsgpack(mp *msgpack.Decoder) error {
	ext, err := readExt(mp, extView)
	if err != nil {
		return err
	}
	own := &view[E]{}
	d, _ := mp.Buffered().(*Decoder)
	if len(ext) != 1 || ext[0] != 0 {
		if err := own.take(d, ext); err != nil {
			return fmt.Errorf("decode View[%v]: %w", reflect.TypeFor[E](), err)
		}
	}
	v.own = own
	if d != nil && d.ownsViews {
		d.views = append(d.views, v.Release)
	}
	return nil
}

// take takes the elements of an extension from d; d is nil if the decoder is not of this package.
func (v *view[E]) take(d *Decoder, ext []byte) error {
	size := int(unsafe.Sizeof(*new(E)))
	if len(ext) == 0 || ext[0] != elemKind(reflect.TypeFor[E]()) {
		return fmt.Errorf("got %d bytes with another element type", len(ext))
	}
	pad := (len(ext) - 1) % size
	for _, b := range ext[1 : 1+pad] {
		if b != 0 {
			return fmt.Errorf("%d bytes are not a whole number of elements", len(ext)-1)
		}
	}
	raw := ext[1+pad:]
	if d == nil || d.loan == nil || len(raw) < bulkSize || !aligned[E](raw) {
		v.slice = copyNumbers[E](raw)
		return nil
	}
	v.slice = unsafe.Slice((*E)(unsafe.Pointer(unsafe.SliceData(raw))), len(raw)/size)
	v.lease = d.loan.lease(len(raw))
	v.cleanup = runtime.AddCleanup(v, (*lease).forgotten, v.lease)
	return nil
}

// aligned reports whether raw can be used as elements where it is.
func aligned[E Number](raw []byte) bool {
	return littleEndian && uintptr(unsafe.Pointer(unsafe.SliceData(raw)))%unsafe.Sizeof(*new(E)) == 0
}
