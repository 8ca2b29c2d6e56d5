package mapreduce

import "time"

const (
	// chunkWork is how long the items of an automatic chunk should take together: much longer than the 20 µs that waking
	// another core costs, and short enough that nobody waits for the last chunk.
	chunkWork = 500 * time.Microsecond
	// chunkBytes bounds the arguments and results of an automatic chunk, so that they move while others are computed.
	chunkBytes = 256 << 10
	// windowWork is how much measured work may be queued at one worker.
	windowWork = 2 * time.Millisecond
	// windowChunks bounds the chunks queued at one worker.
	windowChunks = 1024
	// windowBytes of arguments and results may be on their way or wait for the consumer of a stream, about.
	windowBytes = 64 << 20
	// tailShare: an automatic chunk is at most this part of one worker's share of what is left, so that chunks get
	// smaller towards the end and all workers end together.
	tailShare = 2
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

// autoChunk returns how many items to put in the next chunk. left is the number of items not yet sent, or -1 if the input
// has not ended.
func autoChunk(m *measure, left, workers int) int {
	if !m.known() {
		return 1
	}
	n := float64(chunkWork) / m.work
	if m.bytes > 0 {
		n = min(n, chunkBytes/m.bytes)
	}
	if left >= 0 {
		share := workers * tailShare
		n = min(n, float64((left+share-1)/share))
	}
	return max(int(n), 1)
}
