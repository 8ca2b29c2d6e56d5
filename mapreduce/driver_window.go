package mapreduce

import (
	"fmt"

	"mrrun/mapreduce/internal/schedule"
	"mrrun/transport"
)

// A window holds the items of a stream that were taken from its input and have not been yielded.
// They are computed in any order; those of an unordered stream are yielded in any order too.
type window[A, R any] struct {
	slots []*slot[A, R]       // item i is at i % len(slots)
	late  map[int]*slot[A, R] // items before head that are not yielded
	least int                 // how many items it may hold however large they are
	bytes float64             // approximate size of an encoded argument; 0: none was encoded yet

	head    int // all items before it were yielded or are in late
	taken   int // items taken from the input
	yielded int

	unordered bool
	// Items of an unordered stream that are done and not yielded, in the order in which they
	// finished.
	finished []int
}

type slot[A, R any] struct {
	arg     A
	cargo   *transport.Cargo // of arg, until it is answered; nil: none
	result  R
	failure *TaskError
	done    bool
	yielded bool // of an unordered stream: yielded before head got here
}

func (s *slot[A, R]) release() {
	s.cargo.Release()
	s.cargo = nil
}

func newWindow[A, R any](size, least int, unordered bool) window[A, R] {
	w := window[A, R]{slots: make([]*slot[A, R], size), late: make(map[int]*slot[A, R]), least: least, unordered: unordered}
	memory := make([]slot[A, R], size)
	for i := range memory {
		w.slots[i] = &memory[i]
	}
	return w
}

// full reports whether no item may be taken. Before the size of items is known, few may be taken.
func (w *window[A, R]) full() bool {
	room := w.least
	if w.bytes > 0 {
		room = min(max(room, int(schedule.WindowBytes/w.bytes)), len(w.slots))
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
	if w.taken-w.head == len(w.slots) { // the item at head is slow
		at := w.head % len(w.slots)
		w.late[w.head], w.slots[at] = w.slots[at], new(slot[A, R])
		w.head++
		w.moveHead()
	}
	*w.slots[w.taken%len(w.slots)] = slot[A, R]{arg: arg, cargo: cargo}
	w.taken++
}

// moveHead moves head past items that were yielded.
func (w *window[A, R]) moveHead() {
	for w.head < w.taken && w.slot(w.head).yielded {
		w.slot(w.head).yielded = false
		w.head++
	}
}

func (w *window[A, R]) slot(i int) *slot[A, R] {
	if i < w.head {
		return w.late[i]
	}
	return w.slots[i%len(w.slots)]
}

// done returns the index of an item to yield. ok is false if there is none.
func (w *window[A, R]) done() (i int, ok bool) {
	if !w.unordered {
		return w.head, w.head < w.taken && w.slot(w.head).done
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
	at := w.slot(i)
	result, failure := Item[R]{i, at.result}, at.failure
	w.yielded++
	if i < w.head {
		delete(w.late, i)
	} else {
		*at = slot[A, R]{yielded: true}
		w.moveHead()
	}
	return result, failure
}

// releaseAll releases what the unanswered arguments refer to.
func (w *window[A, R]) releaseAll() {
	for _, at := range w.slots {
		at.release()
	}
	for _, at := range w.late {
		at.release()
	}
}

// at returns the slot of an item that is taken and not answered, which no other goroutine touches.
// The slots of an ordered stream do not move.
func (s *stream[A, R]) at(i int) *slot[A, R] {
	if s.unordered {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.slot(i)
	}
	return s.slots[i%len(s.slots)]
}

func (s *stream[A, R]) encode(out *transport.Encoder, span schedule.Span) error {
	start := out.Len()
	for i := span.First; i < span.End; i++ {
		if err := s.task.arg.Encode(out, &s.at(i).arg); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.encoded(span.Size(), out.Len()-start)
	s.roomier()
	return nil
}

func (s *stream[A, R]) place(in *transport.Decoder, span schedule.Span) (failed int, err error) {
	for i := span.First; i < span.End; i++ {
		at := s.at(i)
		failure, err := s.task.takeResult(in, &at.result)
		if err != nil {
			return failed, fmt.Errorf("item %d: %w", i, err)
		}
		if failure != nil {
			failed++
			failure.Index, failure.Input = i, at.arg
			at.failure = failure
		}
	}
	s.finish(span)
	return failed, nil
}

func (s *stream[A, R]) lose(failure *TaskError) error {
	at := s.at(failure.Index)
	failure.Input = at.arg
	orphan(s.task.arg, &at.arg)
	at.failure = failure
	s.finish(schedule.Span{First: failure.Index, End: failure.Index + 1})
	return nil
}

// finish marks the items of the span, whose slots are complete, as done.
func (s *stream[A, R]) finish(span schedule.Span) {
	s.mu.Lock()
	for i := span.First; i < span.End; i++ {
		s.slot(i).done = true
		s.slot(i).release()
		if s.unordered {
			s.finished = append(s.finished, i)
		}
	}
	wake := s.unordered || span.First <= s.head && s.head < span.End
	s.mu.Unlock()
	if wake {
		s.changed.Broadcast()
	}
}
