package mapreduce

import (
	"fmt"

	"mrrun/mapreduce/internal/schedule"
	"mrrun/transport"
)

// A window holds the items of an Imap that were taken from its input and have not been yielded.
// They are computed in any order; those of an unordered Imap are yielded in any order too.
type window[A, R any] struct {
	cells []*cell[A, R]       // item i is at i % len(cells)
	late  map[int]*cell[A, R] // items before head that are not yielded
	least int                 // how many items it may hold however large they are
	bytes float64             // approximate size of an encoded argument; 0: none was encoded yet

	head    int // all items before it were yielded or are in late
	taken   int // items taken from the input
	yielded int

	unordered bool
	// Items of an unordered Imap that are done and not yielded, in the order in which they
	// finished.
	finished []int
}

// A cell holds one item of a window.
type cell[A, R any] struct {
	arg     A
	cargo   *transport.Cargo // of arg, until it is answered; nil: none
	result  R
	failure *TaskError
	done    bool
	yielded bool // of an unordered Imap: yielded before head got here
}

func (c *cell[A, R]) release() {
	c.cargo.Release()
	c.cargo = nil
}

func newWindow[A, R any](size, least int, unordered bool) window[A, R] {
	w := window[A, R]{cells: make([]*cell[A, R], size), late: make(map[int]*cell[A, R]), least: least, unordered: unordered}
	memory := make([]cell[A, R], size)
	for i := range memory {
		w.cells[i] = &memory[i]
	}
	return w
}

// full reports whether no item may be taken. Before the size of items is known, few may be taken.
func (w *window[A, R]) full() bool {
	room := w.least
	if w.bytes > 0 {
		room = min(max(room, int(schedule.WindowBytes/w.bytes)), len(w.cells))
	}
	return w.taken-w.yielded >= room
}

// encoded records how many bytes the arguments of some items took. Growth counts at once, shrinking
// gradually.
func (w *window[A, R]) encoded(items, bytes int) {
	each := max(float64(bytes)/float64(items), 1)
	if each < w.bytes {
		const weight = 1.0 / 8
		each = w.bytes + (each-w.bytes)*weight
	}
	w.bytes = each
}

// put adds the next item. The caller must make sure that the window is not full.
func (w *window[A, R]) put(arg A, cargo *transport.Cargo) {
	if w.taken-w.head == len(w.cells) { // the item at head is slow
		at := w.head % len(w.cells)
		w.late[w.head], w.cells[at] = w.cells[at], new(cell[A, R])
		w.head++
		w.moveHead()
	}
	*w.cells[w.taken%len(w.cells)] = cell[A, R]{arg: arg, cargo: cargo}
	w.taken++
}

// moveHead moves head past items that were yielded.
func (w *window[A, R]) moveHead() {
	for w.head < w.taken && w.cell(w.head).yielded {
		w.cell(w.head).yielded = false
		w.head++
	}
}

func (w *window[A, R]) cell(i int) *cell[A, R] {
	if i < w.head {
		return w.late[i]
	}
	return w.cells[i%len(w.cells)]
}

// done returns the index of an item to yield. ok is false if there is none.
func (w *window[A, R]) done() (i int, ok bool) {
	if !w.unordered {
		return w.head, w.head < w.taken && w.cell(w.head).done
	}
	if len(w.finished) == 0 {
		return 0, false
	}
	i = w.finished[0]
	w.finished = w.finished[1:]
	return i, true
}

// yield removes an item that is done, and returns its result or failure.
func (w *window[A, R]) yield(i int) (Item[R], *TaskError) {
	at := w.cell(i)
	result, failure := Item[R]{i, at.result}, at.failure
	w.yielded++
	if i < w.head {
		delete(w.late, i)
	} else {
		*at = cell[A, R]{yielded: true}
		w.moveHead()
	}
	return result, failure
}

// releaseAll releases what the unanswered arguments refer to.
func (w *window[A, R]) releaseAll() {
	for _, at := range w.cells {
		at.release()
	}
	for _, at := range w.late {
		at.release()
	}
}

// at returns the cell of an item that is taken and not answered, which no other goroutine touches.
// The cells of an ordered Imap do not move.
func (m *imapItems[A, R]) at(i int) *cell[A, R] {
	if m.unordered {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.cell(i)
	}
	return m.cells[i%len(m.cells)]
}

func (m *imapItems[A, R]) encode(out *transport.Encoder, span schedule.Span) error {
	start := out.Len()
	for i := span.First; i < span.End; i++ {
		if err := m.task.arg.Encode(out, &m.at(i).arg); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.encoded(span.Size(), out.Len()-start)
	m.roomier()
	return nil
}

func (m *imapItems[A, R]) key(item int) string { return showPlain(m.at(item).arg) }

func (m *imapItems[A, R]) place(in *transport.Decoder, span schedule.Span) (failed TaskErrors, err error) {
	for i := span.First; i < span.End; i++ {
		at := m.at(i)
		failure, err := m.task.takeResult(in, &at.result)
		if err != nil {
			return failed, fmt.Errorf("item %d: %w", i, err)
		}
		if failure != nil {
			failure.Index, failure.Input = i, at.arg
			failed = append(failed, failure)
			at.failure = failure
		}
	}
	m.finish(span)
	return failed, nil
}

func (m *imapItems[A, R]) lose(failure *TaskError) error {
	at := m.at(failure.Index)
	failure.Input = at.arg
	orphan(m.task.arg, &at.arg)
	at.failure = failure
	m.finish(schedule.Span{First: failure.Index, End: failure.Index + 1})
	return nil
}

// finish marks the items of the span, whose cells are complete, as done.
func (m *imapItems[A, R]) finish(span schedule.Span) {
	m.mu.Lock()
	for i := span.First; i < span.End; i++ {
		m.cell(i).done = true
		m.cell(i).release()
		if m.unordered {
			m.finished = append(m.finished, i)
		}
	}
	wake := m.unordered || span.First <= m.head && m.head < span.End
	m.mu.Unlock()
	if wake {
		m.changed.Broadcast()
	}
}
