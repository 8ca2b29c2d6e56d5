package shuffle

// Partitions is the number of partitions of a [Writer]. Twice or half as many are about as fast;
// with many more, the buffers do not fit in the caches and the TLB.
const Partitions = 256

const (
	firstBlock = 1 << 10
	maxBlock   = 64 << 10
	stageBelow = 16 << 10 // smaller blocks are written together when they are committed

	// slack is how many bytes after the last record may be read or written, so that a short key
	// is moved as two words whatever its length is.
	slack = 32
)

// A Writer sorts records into partitions and appends them to a file in blocks. It is not safe for
// concurrent use.
type Writer struct {
	to     Appender
	number int // of the file
	limit  int // of a block, in bytes
	blocks [Partitions]block
	done   []Part
	stage  []byte
	failed error
}

// A block holds records of a partition that are not written yet.
type block struct {
	buf []byte
	n   int
}

// A Part is an extent of one partition.
type Part struct {
	Partition int
	Extent
}

// An Appender is a [File], or a [Buffer] where there is none.
type Appender interface {
	// Append appends a block and returns where it begins.
	Append(block []byte) (offset int64, err error)
}

// A Buffer holds blocks of records that travel in a message.
type Buffer struct{ Bytes []byte }

// Append implements [Appender].
func (b *Buffer) Append(block []byte) (offset int64, err error) {
	offset = int64(len(b.Bytes))
	b.Bytes = append(b.Bytes, block...)
	return offset, nil
}

// NewWriter returns a writer to the file with this number among those of the shuffle. Blocks have
// at most limit bytes, 0 means a good number, unless a single record is larger.
func NewWriter(to Appender, number, limit int) *Writer {
	if limit == 0 {
		limit = maxBlock
	}
	return &Writer{to: to, number: number, limit: limit}
}

// PartitionOf returns the partition of a key with that hash.
func PartitionOf(hash uint64) int { return int(hash >> 56) }

// Append appends a record to a partition. A failure is reported by Commit.
func (w *Writer) Append(partition int, key, value []byte) {
	size := len(key) + len(value)
	b := w.room(partition, size)
	copy(b.buf[b.n:], key)
	copy(b.buf[b.n+len(key):], value)
	b.n += size
}

// room returns the block of a partition with room for size more bytes and the slack.
func (w *Writer) room(partition, size int) *block {
	b := &w.blocks[partition]
	if b.n+size+slack > len(b.buf) {
		w.enlarge(b, partition, size)
	}
	return b
}

func (w *Writer) enlarge(b *block, partition, size int) {
	if b.n > 0 && b.n+size+slack > w.limit {
		w.write(b, partition)
	}
	if need := b.n + size + slack; need > len(b.buf) {
		grown := make([]byte, max(need, min(w.limit, max(firstBlock, 8*len(b.buf)))))
		copy(grown, b.buf[:b.n])
		b.buf = grown
	}
}

// write writes a block and empties it.
func (w *Writer) write(b *block, partition int) {
	if w.failed == nil {
		var at int64
		if at, w.failed = w.to.Append(b.buf[:b.n]); w.failed == nil {
			w.done = append(w.done, Part{partition, Extent{w.number, at, b.n}})
		}
	}
	b.n = 0
	if len(b.buf) > w.limit { // one record was that large
		b.buf = nil
	}
}

// Commit writes what is left and returns where all records since the last Commit are: the extents
// of each partition in the order in which they were appended. The result is valid until the next
// call.
func (w *Writer) Commit() ([]Part, error) {
	w.stage = w.stage[:0]
	first := len(w.done)
	for i := range w.blocks {
		b := &w.blocks[i]
		switch {
		case b.n >= stageBelow:
			w.write(b, i)
		case b.n > 0:
			w.done = append(w.done, Part{i, Extent{-1, int64(len(w.stage)), b.n}})
			w.stage = append(w.stage, b.buf[:b.n]...)
			b.n = 0
		}
	}
	if len(w.stage) > 0 && w.failed == nil {
		var at int64
		at, w.failed = w.to.Append(w.stage)
		for i := first; i < len(w.done); i++ {
			if p := &w.done[i]; p.File < 0 {
				p.File, p.Offset = w.number, p.Offset+at
			}
		}
	}
	done, err := w.done, w.failed
	w.done, w.failed = w.done[:0], nil
	if err != nil {
		return nil, err
	}
	return done, nil
}

// Discard drops all records since the last Commit.
func (w *Writer) Discard() {
	for i := range w.blocks {
		w.blocks[i].n = 0
	}
	w.done, w.failed = w.done[:0], nil
}
