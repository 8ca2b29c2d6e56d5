package mapreduce

import (
	"fmt"
	"runtime"

	"mrrun/transport"
)

// stacksSize is how many bytes of stacks travel at most.
const stacksSize = 64 << 10

// expire ends the context of an item with [ErrTimeout], if the item still runs. Before that, it
// tells the driver what the worker's goroutines are doing: afterwards the driver may kill it.
func (w *worker) expire(tag uint32, offset int) {
	if t, o, busy := w.process.Note.Busy(); !busy || t != tag || o != offset {
		return
	}
	stacks := make([]byte, stacksSize)
	text := string(stacks[:runtime.Stack(stacks, true)])
	body := transport.NewEncoder(nil)
	body.Uint(uint64(offset))
	body.String(text)
	if _, err := w.out.AddBody(kindStacks, tag, body); err == nil {
		w.flusher.Soon()
	}
	// The item of a task that takes no context has no deadline.
	if d := w.deadline.Load(); d != nil && d.tag == tag && d.offset == offset {
		d.stacks = text
		d.cancel(fmt.Errorf("%w of %v", ErrTimeout, d.timeout))
	}
}

// A stacksError is the error of an item that returned after its time was over.
type stacksError struct {
	error
	stacks string
}

func (e *stacksError) Unwrap() error { return e.error }
