package mapreduce

import (
	"math"
	"time"
)

const (
	// chunkWork is how long the items of an automatic chunk should take together: much longer than the 20 µs that waking
	// another core costs, and short enough that nobody waits for the last chunk.
	chunkWork = 500 * time.Microsecond
	// chunkBytes bounds the arguments and results of an automatic chunk, so that they move while others are computed.
	chunkBytes = 256 << 10
	// windowWork is how much measured work may be queued at one worker behind the chunk that it runs.
	windowWork = 2 * time.Millisecond
	// windowChunks bounds the chunks queued at one worker.
	windowChunks = 1024
	// windowBytes of arguments and results may be on their way or wait for the consumer of a stream, about.
	windowBytes = 64 << 20
	// tailShare: a worker holds at most this part of its share of the items that have no answer, and half of that in one
	// automatic chunk. So chunks get smaller towards the end, and most of the rest is free to go to whoever is ready: the
	// last items may take much longer than those before.
	tailShare = 2
	// tailWork is what a worker may hold in any case, about what it works off while the next chunk is on its way.
	tailWork = 30 * time.Microsecond
)

// A measure is what is known of the items of a call: moving averages, zero before the first answer.
type measure struct {
	work  float64 // nanoseconds an item
	bytes float64 // of its argument and result
}

func (m *measure) known() bool { return m.work > 0 }

func (m *measure) add(items int, work time.Duration, bytes int) {
	n := float64(items)
	w, b := max(float64(work), 1)/n, float64(bytes)/n
	if !m.known() {
		m.work, m.bytes = w, b
		return
	}
	const weight = 1.0 / 8
	m.work += (w - m.work) * weight
	m.bytes += (b - m.bytes) * weight
}

// cost estimates the work in a number of items.
func (m *measure) cost(items int) time.Duration { return time.Duration(m.work * float64(items)) }

// autoChunk returns how many items to put in the next chunk. left is the number of items without an answer, or -1 if the
// input has not ended.
func autoChunk(m *measure, left, workers int) int {
	if !m.known() {
		return 1
	}
	n := min(float64(chunkWork), m.share(left, workers)/2) / m.work
	if m.bytes > 0 {
		n = min(n, chunkBytes/m.bytes)
	}
	return max(int(n), 1)
}

// share returns how much work, in nanoseconds, one worker may hold when so many items are left.
func (m *measure) share(left, workers int) float64 {
	if left < 0 {
		return math.Inf(1)
	}
	return max(m.work*float64(left)/float64(workers*tailShare), float64(tailWork))
}
