package shuffle

import "fmt"

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
	most   int // bytes of a record; 0: any number
	spill  spill
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

// Limit sets how many bytes a record may have. A larger one is an error of Commit.
func (w *Writer) Limit(most int) { w.most = most }

// A spill is where a writer goes on when its file is full.
type spill struct {
	to     Appender // nil: there is none
	number int
	after  int64 // bytes that the first file takes
}

// SpillTo lets the writer go on in another file, whose number is given, when its file has that many
// bytes.
func (w *Writer) SpillTo(to Appender, number int, after int64) {
	w.spill = spill{to, number, after}
	if after <= 0 {
		w.to, w.number = to, number
	}
}

// append appends a block to the file.
func (w *Writer) append(block []byte) (e Extent, err error) {
	at, err := w.to.Append(block)
	e = Extent{w.number, at, len(block)}
	if w.spill.to != nil && at+int64(len(block)) >= w.spill.after {
		w.to, w.number = w.spill.to, w.spill.number
	}
	return e, err
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
	if w.most > 0 && size > w.most && w.failed == nil {
		w.failed = fmt.Errorf("a key and its value have %d bytes, of which the memory budget allows %d in one process: raise it, or use fewer processes", size, w.most)
	}
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
		var e Extent
		if e, w.failed = w.append(b.buf[:b.n]); w.failed == nil {
			w.done = append(w.done, Part{partition, e})
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
		var e Extent
		e, w.failed = w.append(w.stage)
		for i := first; i < len(w.done); i++ {
			if p := &w.done[i]; p.File < 0 {
				p.File, p.Offset = e.File, p.Offset+e.Offset
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
