package proc

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// printed is the part of a [Note] by which the driver knows which item has printed what it reads: the worker marks an item
// when nothing lies in its output as the item begins. That costs two system calls, so that only a worker does it that has
// been heard since its last mark, or whose items take long.
type printed struct {
	heard atomic.Uint32 // counts what the driver has read, modulo 2^32
	_     uint32
	empty [2]atomic.Uint64 // by stream: the last item at whose begin it was empty
}

// markFrom is how long an item must take at least for two system calls to be nothing to it.
const markFrom = 100 * time.Microsecond

// A marker is what a worker knows of its marks.
type marker struct {
	marks bool   // it is a process, whose standard streams are its own
	slow  bool   // its items take long
	heard uint32 // the driver's count at the last mark
}

// Begin notes that the worker runs the item of that offset in the chunk of that tag.
func (w *Worker) Begin(tag uint32, item int) {
	if w.marker.marks && (w.marker.slow || w.marker.heard != w.Note.printed.heard.Load()) {
		w.mark(itemWord(tag, item))
	}
	w.Note.Set(tag, item)
}

// Ran says how long the last items took.
func (w *Worker) Ran(items uint64, took time.Duration) {
	w.marker.slow = took >= markFrom && uint64(took) >= items*uint64(markFrom)
}

func (w *Worker) mark(word uint64) {
	p := w.Note.printed
	w.marker.heard = p.heard.Load()
	for i := range p.empty {
		if n, err := unix.IoctlGetInt(1+i, bytesWaiting); err == nil && n == 0 {
			p.empty[i].Store(word)
		}
	}
}
