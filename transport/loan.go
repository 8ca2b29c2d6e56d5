package transport

import (
	"runtime"
	"sync"

	"mrrun/internal/shm/blocks"
)

// A loan is a body in shared memory. Its sender may use the memory again when all holders here have
// given it back: the [Reader] that received it, or the caller of its Keep, and each [View] in it.
type loan struct {
	views *blocks.Views
	piece blocks.Piece
}

func (l *loan) giveBack() { l.views.Release(l.piece) }

// lease adds a holder of the loan, a View that uses so many bytes of it.
func (l *loan) lease(bytes int) *lease {
	l.views.Retain(l.piece)
	leased.add(bytes)
	return &lease{l, bytes}
}

// A lease is a View's share of a loan. It must be ended once.
type lease struct {
	loan  *loan
	bytes int
}

func (l *lease) end() {
	l.loan.giveBack()
	leased.remove(l.bytes)
}

// forgotten ends the lease of a View that nothing refers to any more.
func (l *lease) forgotten() {
	l.end()
	leased.slowDown()
}

// leased counts the bytes of all leases. The garbage collector does not see them, and forgotten
// ones would pile up until it has other reasons to run. So it is started when their bytes have
// doubled since the last time, which is its own rule for the heap.
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

// slowDown lowers the limit after a collection has found something.
func (p *pacer) slowDown() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit = max(minLeased, min(p.limit, 2*p.bytes))
}
