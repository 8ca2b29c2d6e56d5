package transport

import (
	"runtime"
	"sync"

	"mrrun/internal/shm"
)

// A loan is a body in shared memory. Its sender may use the memory again when all who have it here have given it back: the
// [Reader] that received it, or who keeps it, and each [View] that lies in it.
type loan struct {
	views *shm.Views
	piece shm.Piece
}

func (l *loan) giveBack() { l.views.Release(l.piece) }

// lease makes one more have the loan, for the sake of so many bytes of it.
func (l *loan) lease(bytes int) *lease {
	l.views.Retain(l.piece)
	leased.add(bytes)
	return &lease{l, bytes}
}

// A lease is the part that a View has in a loan. It has one end.
type lease struct {
	loan  *loan
	bytes int
}

func (l *lease) end() {
	l.loan.giveBack()
	leased.remove(l.bytes)
}

// forgotten is the end of the lease of a View that nothing refers to any more.
func (l *lease) forgotten() {
	l.end()
	leased.slowDown()
}

// leased counts the bytes of all leases. The garbage collector does not see them, and forgotten ones would pile up until it has
// other reasons to run. So it is run when they are twice as many as were there before, as it does itself with the heap.
var leased = pacer{limit: minLeased}

const minLeased = bulkKeep

type pacer struct {
	mu           sync.Mutex
	bytes, limit int
}

func (p *pacer) add(n int) {
	p.mu.Lock()
	p.bytes += n
	collect := p.bytes > p.limit
	if collect {
		p.limit = 2 * p.bytes
	}
	p.mu.Unlock()
	if collect {
		runtime.GC()
	}
}

func (p *pacer) remove(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes -= n
}

// slowDown lowers the limit when a collection has found something.
func (p *pacer) slowDown() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit = max(minLeased, min(p.limit, 2*p.bytes))
}
