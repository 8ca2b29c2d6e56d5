package mapreduce

import "sync"

// A mailbox is a queue whose reader takes all waiting items at once. put never blocks: credit,
// given elsewhere, bounds what a mailbox holds.
type mailbox[T any] struct {
	mu    sync.Mutex
	items []T
	full  chan struct{} // holds a token while items wait
}

func newMailbox[T any]() *mailbox[T] {
	return &mailbox[T]{full: make(chan struct{}, 1)}
}

func (m *mailbox[T]) put(items ...T) {
	m.add(items...)
	m.remind()
}

// add is put without waking the reader; the caller must call remind or take afterwards.
func (m *mailbox[T]) add(items ...T) {
	m.mu.Lock()
	m.items = append(m.items, items...)
	m.mu.Unlock()
}

// remind wakes the reader if items wait.
func (m *mailbox[T]) remind() {
	m.mu.Lock()
	waiting := len(m.items) > 0
	m.mu.Unlock()
	if !waiting {
		return
	}
	select {
	case m.full <- struct{}{}:
	default:
	}
}

// ready returns a channel that receives when items wait. The receiver calls take next.
func (m *mailbox[T]) ready() <-chan struct{} { return m.full }

// take returns the waiting items, possibly none, and reuses the memory of used, the result of an
// earlier take, for later ones.
func (m *mailbox[T]) take(used []T) []T {
	clear(used)
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items = used[:0]
	return items
}
