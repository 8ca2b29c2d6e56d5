package proc

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// printed is the part of a [Note] that tells the driver which item printed what it reads: the
// worker marks an item if its output is empty when the item begins. That costs two system calls, so
// a worker does it only if the driver has read its output since the last mark, or if its items take
// long.
type printed struct {
	heard atomic.Uint32 // counts what the driver has read, modulo 2^32
	_     uint32
	empty [2]atomic.Uint64 // by stream: the last item that found it empty when it began
}

// markFrom is how long an item must take for two system calls not to matter.
const markFrom = 100 * time.Microsecond

// A marker is what a worker needs to know to mark items.
type marker struct {
	marks bool   // the worker is a process, with standard streams of its own
	slow  bool   // its items take long
	heard uint32 // the driver's count at the last mark
}

// Begin notes that the worker runs the item at that offset in the chunk with that tag.
func (w *Worker) Begin(tag uint32, item int) {
	if w.marker.marks && (w.marker.slow || w.marker.heard != w.Note.printed.heard.Load()) {
		w.mark(itemWord(tag, item))
	}
	w.Note.Set(tag, item)
}

// Ran notes how long the last items took, all together.
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
