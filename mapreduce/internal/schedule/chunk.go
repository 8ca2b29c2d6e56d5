package schedule

import (
	"math"
	"time"
)

const (
	// chunkWork is how long the items of an automatic chunk should take together: much longer than
	// the 20 µs that waking another core costs, and short enough that the wait for the last chunk
	// does not matter.
	chunkWork = 500 * time.Microsecond
	// chunkBytes bounds the bytes of arguments and results of an automatic chunk, so that chunks
	// travel while others are computed.
	chunkBytes = 256 << 10
	// windowWork is how much measured work may be queued at a worker behind the chunk that it runs.
	windowWork = 2 * time.Millisecond
	// windowChunks bounds the chunks queued at one worker.
	windowChunks = 1024
	// WindowBytes is about how many bytes of arguments and results of a call with a window may
	// travel or wait for their consumer.
	WindowBytes = 64 << 20
	// tailShare limits a worker to 1/tailShare of its share of the unanswered items, and an
	// automatic chunk to half of that. So chunks get smaller towards the end, and most of the
	// remaining items are free for any worker that becomes idle: the last items may take much
	// longer than those before them.
	tailShare = 2
	// tailWork is how much work a worker may hold in any case: about what it does while the next
	// chunk travels.
	tailWork = 30 * time.Microsecond
)

// A Measure holds what is known about the items of a call: moving averages, zero before the first
// answer.
type Measure struct {
	work  float64 // nanoseconds per item
	bytes float64 // of argument and result, per item
}

// Known reports whether an item was answered.
func (m *Measure) Known() bool { return m.work > 0 }

func (m *Measure) add(items int, work time.Duration, bytes int) {
	n := float64(items)
	w, b := max(float64(work), 1)/n, float64(bytes)/n
	if !m.Known() {
		m.work, m.bytes = w, b
		return
	}
	const weight = 1.0 / 8
	m.work += (w - m.work) * weight
	m.bytes += (b - m.bytes) * weight
}

// cost estimates how long a number of items takes.
func (m *Measure) cost(items int) time.Duration { return time.Duration(m.work * float64(items)) }

// autoChunk returns how many items to put in the next chunk. left is the number of items without an
// answer, or -1 if the input has not ended.
func autoChunk(m *Measure, left, workers int) int {
	if !m.Known() {
		return 1
	}
	n := min(float64(chunkWork), m.share(left, workers)/2) / m.work
	if m.bytes > 0 {
		n = min(n, chunkBytes/m.bytes)
	}
	return max(int(n), 1)
}

// share returns how many nanoseconds of work one worker may hold when left items are unanswered;
// left < 0 means no limit.
func (m *Measure) share(left, workers int) float64 {
	if left < 0 {
		return math.Inf(1)
	}
	return max(m.work*float64(left)/float64(workers*tailShare), float64(tailWork))
}
