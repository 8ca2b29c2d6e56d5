package transport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unsafe"

	"mrrun/internal/shm"
	"mrrun/internal/shm/blocks"
)

// A body of bulkSize bytes or more goes through shared memory where both ends allow it
// ([Writer.UseShared], [Reader.UseShared]): its frame holds only the piece of the block that has
// the body. The block can be used again when the receiver has released it; a word in the block says
// so, without a message. The pages of a used block exist already, and copying into them takes a
// fraction of the time that a pipe takes.

const (
	bulkSize = 64 << 10
	bulkBit  = 0x80    // in the kind of a frame: the body is the piece of a block
	bulkKeep = 1 << 28 // bytes of unused blocks to keep, on each side
)

// A bulk is where an [Encoder] puts a body that becomes large.
type bulk struct {
	pool  *blocks.Pool
	block *blocks.Block // has the buffer, unless that has outgrown it; nil: the buffer is small
	small []byte
}

// makeRoom moves the buffer into a block that has room for n more bytes, if it can get one.
func (e *Encoder) makeRoom(n int) {
	b := e.bulk
	if b.block != nil && b.inside(e.buf) && cap(e.buf)-len(e.buf) >= n {
		return
	}
	block, err := b.pool.Get(len(e.buf) + n + max(bulkSize, len(e.buf))) // more may follow
	if err != nil {
		return // it stays in ordinary memory, and goes through the pipe
	}
	moved := append(block.Bytes()[:0], e.buf...)
	if b.block != nil {
		b.pool.Put(b.block)
	} else {
		b.small = e.buf[:0]
	}
	b.block, e.buf = block, moved
}

// takePiece takes a large body out of the buffer, which is empty then. ok is false if the body is
// not large, or if there is no shared memory: the buffer still holds the body then.
func (e *Encoder) takePiece() (piece blocks.Piece, ok bool) {
	b := e.bulk
	if b == nil || len(e.buf) < bulkSize {
		return piece, false
	}
	if b.block == nil || !b.inside(e.buf) { // it has grown in small steps
		e.makeRoom(0)
	}
	if b.block == nil || !b.inside(e.buf) {
		return piece, false
	}
	piece = b.pool.Send(b.block, len(e.buf))
	e.buf, b.block = b.small, nil
	return piece, true
}

// Trim frees memory that usual bodies do not need. The contents of the buffer are lost.
func (e *Encoder) Trim() {
	if b := e.bulk; b != nil && b.block != nil {
		b.pool.Put(b.block)
		e.buf, b.block = b.small, nil
	}
	if cap(e.buf) > keepBuffer {
		e.buf = nil
	}
}

func (b *bulk) inside(buf []byte) bool {
	return cap(buf) > 0 && unsafe.SliceData(buf) == unsafe.SliceData(b.block.Bytes())
}

// UseShared makes large bodies go through shared memory, which the receiver must allow too. Unused
// memory is kept for the duration idle, for later bodies; with 0 it is freed at once. UseShared
// must be called before the Writer is used. close must be called when the Writer is not used any
// more and the receiver is gone. Where there is no shared memory, or others cannot find that of
// this process, UseShared has no effect.
func (w *Writer) UseShared(idle time.Duration) (close func()) {
	if !shm.Findable() {
		return func() {}
	}
	pool := blocks.NewPool(bulkKeep, idle)
	w.body = w.NewBody()
	w.body.bulk = &bulk{pool: pool}
	return func() {
		w.SendWhole()
		pool.Close()
	}
}

// SendWhole makes large bodies go through the stream from now on. What was sent before stays in the
// shared memory of this process.
func (w *Writer) SendWhole() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.body != nil {
		w.body.Trim()
		w.body = nil
	}
}

// NewBody returns an Encoder for a body that is made while others are sent; [Writer.AddBody] sends
// it. The Encoder can be used again.
func (w *Writer) NewBody() *Encoder {
	e := NewEncoder(nil)
	if w.body != nil {
		e.bulk = &bulk{pool: w.body.bulk.pool}
	}
	return e
}

// AddBody is [Writer.Add] for a body from [Writer.NewBody], which it may empty. A large body
// outside of shared memory is not copied but written at once, after all that was added before: that
// blocks like [Writer.Flush].
func (w *Writer) AddBody(kind byte, tag uint32, body *Encoder) (waiting int, err error) {
	if err := checkSize(uint64(body.Len()), nil); err != nil {
		return 0, err
	}
	piece, ok := body.takePiece()
	if !ok && body.Len() >= bulkSize {
		return 0, w.sendNow(kind, tag, body.Bytes())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	if ok {
		w.addPiece(kind, tag, piece)
	} else {
		w.enc.buf = append(appendHeader(w.enc.buf, kind, tag, uint64(body.Len())), body.buf...)
	}
	return w.enc.Len(), nil
}

func (w *Writer) addPiece(kind byte, tag uint32, piece blocks.Piece) {
	w.enc.buf = piece.Append(appendHeader(w.enc.buf, kind|bulkBit, tag, blocks.PieceSize))
}

// UseShared allows bodies in shared memory. It must not be used with a peer that is not trusted to
// be another process of this program. Unused memory is kept for the duration idle, which should be
// that of the Writer. UseShared must be called before the Reader is used, and close when the Reader
// is not used any more.
func (r *Reader) UseShared(idle time.Duration) (close func()) {
	r.views = blocks.NewViews(bulkKeep, idle)
	return func() {
		r.LetGo()
		r.views.Close()
	}
}

// view returns the body that a frame refers to.
func (r *Reader) view(frame []byte) ([]byte, error) {
	if r.views == nil {
		return nil, fmt.Errorf("%w: its body is in shared memory, which is not allowed here", ErrFormat)
	}
	piece, err := blocks.ParsePiece(frame)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if uint64(piece.Length) > r.limit {
		return nil, &SizeError{Size: uint64(piece.Length), Limit: r.limit}
	}
	body, err := r.views.View(piece)
	if errors.Is(err, os.ErrNotExist) { // the sender has ended, and its memory is gone
		return nil, cut(io.ErrUnexpectedEOF)
	}
	if err != nil {
		return nil, fmt.Errorf("receive a message: %w", err)
	}
	r.lent = &loan{r.views, piece}
	return body, nil
}

// Keep keeps the body of the last frame valid until release is called, once, by any goroutine. If
// the body is not in shared memory, Keep returns nil and has no effect.
func (r *Reader) Keep() (release func()) {
	if r.lent == nil {
		return nil
	}
	release = r.lent.giveBack
	r.lent = nil
	return release
}

// LetGo gives the memory of the last body back to its sender, as the following Next does: it is for
// a reader that may not come to call Next. The body must not be used any more.
func (r *Reader) LetGo() {
	if r.lent != nil {
		r.lent.giveBack()
		r.lent = nil
	}
}
