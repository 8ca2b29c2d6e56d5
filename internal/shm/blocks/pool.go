package blocks

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"
	"time"
	"unsafe"

	"mrrun/internal/shm"
)

// minBlock is the size in bytes of the smallest block: a smaller message is cheaper to send as
// bytes.
const minBlock = 64 << 10

// A Pool keeps used regions for large messages, to use them again: the first touch of a page costs
// several times as much as copying into it. A sender gets a [Block], fills it and sends the piece
// that [Pool.Send] returns; the block can be used again when the receiver, which has [Views], has
// released it. Its methods are safe for concurrent use.
type Pool struct {
	mu     sync.Mutex
	keep   int
	kept   int      // bytes in idle
	idle   []*Block // last put back last: most likely in the caches
	away   []*Block // sent, and not released when last checked
	timer  idleTimer
	closed bool
}

// A Block is a region of a pool. Its size is a power of two, in bytes. It has one user at a time.
type Block struct {
	region *shm.Region
	place  shm.Place
	idle   bool
	used   time.Time // when it was last sent or put back
}

// NewPool makes a pool that keeps up to keep bytes in unused blocks, and each of them only until it
// has been unused for the duration idle; 0 keeps none.
func NewPool(keep int, idle time.Duration) *Pool {
	return &Pool{keep: keep, timer: idleTimer{after: idle}}
}

// Get returns a block of at least n bytes, and at least 64 KiB. Its bytes are left from its last
// use.
func (p *Pool) Get(n int) (*Block, error) {
	if n < 0 || n > math.MaxInt/2 {
		return nil, fmt.Errorf("get a block of shared memory: invalid size of %d bytes", n)
	}
	size := max(minBlock, 1<<bits.Len(uint(n+lineSize-1)))
	if b := p.take(size); b != nil {
		return b, nil
	}
	region, err := shm.NewRegion("mrrun message", int64(size))
	if err != nil {
		return nil, err
	}
	var place shm.Place
	if err = region.Reserve(0, int64(size)); err == nil {
		place, err = region.Place()
	}
	if err != nil {
		region.Close()
		return nil, err
	}
	return &Block{region: region, place: place}, nil
}

func (p *Pool) take(size int) *Block {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.collect()
	for i, b := range slices.Backward(p.idle) {
		if b.size() == size {
			p.idle = slices.Delete(p.idle, i, i+1)
			p.kept -= size
			b.idle = false
			return b
		}
	}
	return nil
}

// collect takes back the blocks that receivers have released.
func (p *Pool) collect() {
	p.away = slices.DeleteFunc(p.away, func(b *Block) bool {
		released := b.lent().Load() == 0
		if released {
			p.put(b)
		}
		return released
	})
}

// Send returns the piece by which the receiver finds the first n bytes of the block. The block
// belongs to the receiver from then on.
func (p *Pool) Send(b *Block, n int) Piece {
	b.lent().Store(1)
	b.used = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.put(b) // nobody is left to receive it
	} else {
		p.away = append(p.away, b)
		p.startTimer()
	}
	return Piece{b.place, 0, n}
}

// Put gives back a block that was not sent. It panics if the block was put back before: two senders
// would get it.
func (p *Pool) Put(b *Block) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.used = time.Now()
	p.put(b)
}

func (p *Pool) put(b *Block) {
	if b.idle {
		panic("blocks: block put back twice")
	}
	b.idle = true
	p.idle = append(p.idle, b)
	p.kept += b.size()
	p.trim()
	p.startTimer()
}

// trim unmaps the blocks that were put back first, until the pool keeps no more than it may.
func (p *Pool) trim() {
	for len(p.idle) > 0 && (p.closed || p.kept > p.keep || p.timer.after == 0) {
		p.drop(p.idle[0])
		p.idle = slices.Delete(p.idle, 0, 1)
	}
}

func (p *Pool) drop(b *Block) {
	p.kept -= b.size()
	_ = b.region.Close() // it fails only if the region is not mapped
}

// startTimer schedules sweep if the pool has blocks that are not in use here.
func (p *Pool) startTimer() {
	if len(p.idle)+len(p.away) > 0 {
		p.timer.start(p.sweep)
	}
}

// sweep unmaps the blocks that have been unused for long enough.
func (p *Pool) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer.stop()
	if p.closed {
		return
	}
	p.collect()
	p.idle = slices.DeleteFunc(p.idle, func(b *Block) bool {
		over := p.timer.over(b.used)
		if over {
			p.drop(b)
		}
		return over
	})
	p.startTimer()
}

// Close unmaps the blocks. A block that was got and not sent is unmapped when it is put back. What
// the receiver has mapped stays mapped there.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, b := range p.away {
		p.put(b)
	}
	p.away = nil
	p.trim()
	p.timer.stop()
}

func (b *Block) size() int { return len(b.region.Bytes()) }

// Bytes returns all of the block's memory. It is valid until the block is sent or put back.
func (b *Block) Bytes() []byte {
	n := b.size() - lineSize
	return b.region.Bytes()[:n:n]
}

func (b *Block) lent() *shm.Word { return lentWord(b.region) }

// lentWord is not 0 until the receiver of a block has released it. It lies in the last cache line
// of the block.
func lentWord(r *shm.Region) *shm.Word {
	mem := r.Bytes()
	return (*shm.Word)(unsafe.Pointer(&mem[len(mem)-lineSize]))
}

const lineSize = 64
