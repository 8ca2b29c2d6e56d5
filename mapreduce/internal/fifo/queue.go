// Package fifo has a queue that keeps its memory.
package fifo

import "slices"

// A Queue grows at its end and shrinks at its front. Its memory grows only if it is more than half
// full. The zero Queue is empty. It is not safe for concurrent use.
type Queue[T any] struct {
	all   []T
	first int
}

// Push adds an item at the end.
func (q *Queue[T]) Push(item T) {
	if len(q.all) == cap(q.all) && q.first > len(q.all)/2 {
		n := copy(q.all, q.Items())
		clear(q.all[n:])
		q.all, q.first = q.all[:n], 0
	}
	q.all = append(q.all, item)
}

// Pop removes the first item and returns it. It panics if there is none.
func (q *Queue[T]) Pop() T {
	item := q.all[q.first]
	q.all[q.first] = *new(T) // so that the queue does not keep what it refers to
	q.first++
	if q.first == len(q.all) {
		q.all, q.first = q.all[:0], 0
	}
	return item
}

// Delete removes the item with an index in Items.
func (q *Queue[T]) Delete(i int) { q.all = slices.Delete(q.all, q.first+i, q.first+i+1) }

// Len returns the number of items.
func (q *Queue[T]) Len() int { return len(q.all) - q.first }

// Items returns the items in order, first the next that Pop returns. They may be changed; the slice
// is valid until the next call of another method.
func (q *Queue[T]) Items() []T { return q.all[q.first:] }
