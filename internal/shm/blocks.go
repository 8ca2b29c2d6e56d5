package shm

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"
	"time"
	"unsafe"
)

// minBlock is the size of the smallest block: below that, sending the bytes themselves costs less.
const minBlock = 64 << 10

// A Pool keeps regions that were used, to use them again: the first touch of a page costs several times as much as the
// copying. It is for large messages. Who sends one gets a [Block], fills it and sends the piece that [Pool.Send] returns; the
// block is used again when the receiver, which has [Views], has released it. Its methods are safe for concurrent use.
type Pool struct {
	mu     sync.Mutex
	keep   int
	kept   int      // bytes of idle
	idle   []*Block // the last one was put back last: its pages are the most likely to be in the caches
	away   []*Block // sent, and not released when we looked last
	timer  idleTimer
	closed bool
}

// A Block is a region of a pool, of a power of two bytes. It has one user at a time.
type Block struct {
	region *Region
	place  Place
	idle   bool
	used   time.Time // when it was sent or put back last
}

// NewPool makes a pool that keeps up to keep bytes in blocks that nobody uses, each until it has not been used for a while.
func NewPool(keep int, idle time.Duration) *Pool {
	return &Pool{keep: keep, timer: idleTimer{after: idle}}
}

// Get returns a block of n bytes or more, and of 64 KiB at least. What is in it is left from its last use.
func (p *Pool) Get(n int) (*Block, error) {
	if n < 0 || n > math.MaxInt/2 {
		return nil, fmt.Errorf("get a block of shared memory: it cannot have %d bytes", n)
	}
	size := max(minBlock, 1<<bits.Len(uint(n+lineSize-1)))
	if b := p.take(size); b != nil {
		return b, nil
	}
	region, err := NewRegion("mrrun message", int64(size))
	if err != nil {
		return nil, err
	}
	var place Place
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

// collect takes back what receivers have released.
func (p *Pool) collect() {
	p.away = slices.DeleteFunc(p.away, func(b *Block) bool {
		released := b.lent().Load() == 0
		if released {
			p.put(b)
		}
		return released
	})
}

// Send returns the piece by which the receiver finds the first n bytes of the block. From then on the block is the
// receiver's.
func (p *Pool) Send(b *Block, n int) Piece {
	b.lent().Store(1)
	b.used = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.put(b) // nobody is there to receive it
	} else {
		p.away = append(p.away, b)
		p.startTimer()
	}
	return Piece{b.place, 0, n}
}

// Put gives a block back that was not sent. To do so twice is a panic: two senders would get it.
func (p *Pool) Put(b *Block) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.used = time.Now()
	p.put(b)
}

func (p *Pool) put(b *Block) {
	if b.idle {
		panic("shm: block put back twice")
	}
	b.idle = true
	p.idle = append(p.idle, b)
	p.kept += b.size()
	p.trim()
	p.startTimer()
}

// trim unmaps those that were put back first.
func (p *Pool) trim() {
	for len(p.idle) > 0 && (p.closed || p.kept > p.keep || p.timer.after == 0) {
		p.drop(p.idle[0])
		p.idle = slices.Delete(p.idle, 0, 1)
	}
}

func (p *Pool) drop(b *Block) {
	p.kept -= b.size()
	_ = b.region.Close() // it fails only for what is not mapped
}

// startTimer has sweep called some time later, if there are blocks that are not in use here.
func (p *Pool) startTimer() {
	if len(p.idle)+len(p.away) > 0 {
		p.timer.start(p.sweep)
	}
}

// sweep unmaps the blocks that were not used for long enough.
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

// Close unmaps the blocks, those that were got and not sent when they are put back. What the receiver has mapped it keeps.
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

// Bytes returns the memory of the block, all of it, until it is sent or put back.
func (b *Block) Bytes() []byte {
	n := b.size() - lineSize
	return b.region.Bytes()[:n:n]
}

func (b *Block) lent() *Word { return lentWord(b.region) }

// lentWord is not 0 while the receiver of a block has not released it. It has the last cache line of the block.
func lentWord(r *Region) *Word {
	mem := r.Bytes()
	return (*Word)(unsafe.Pointer(&mem[len(mem)-lineSize]))
}

const lineSize = 64
