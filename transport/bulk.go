package transport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unsafe"

	"mrrun/internal/shm"
)

// A body of bulkSize bytes or more goes through shared memory where both ends allow it ([Writer.UseShared],
// [Reader.UseShared]): its frame holds no more than the piece of a block where the body lies. A block is used again when the
// receiver has let it go, which a word in the block says, so no message does. Its pages are there already, and to copy into
// them takes a fraction of the time that a pipe takes.

const (
	bulkSize = 64 << 10
	bulkBit  = 0x80    // in the kind of a frame: the body is the piece of a block
	bulkKeep = 1 << 28 // bytes of blocks that are kept for later, on each side
)

// A bulk is where an [Encoder] puts a body that gets large.
type bulk struct {
	pool  *shm.Pool
	block *shm.Block // the encoder's buffer is in it, or has outgrown it; nil: the buffer is small
	small []byte
}

// makeRoom has the buffer go on in a block that has room for n bytes more, if there is one to be had.
func (e *Encoder) makeRoom(n int) {
	b := e.bulk
	if b.block != nil && b.inside(e.buf) && cap(e.buf)-len(e.buf) >= n {
		return
	}
	block, err := b.pool.Get(len(e.buf) + n + max(bulkSize, len(e.buf))) // more may come
	if err != nil {
		return // ordinary memory takes it, and the pipe
	}
	moved := append(block.Bytes()[:0], e.buf...)
	if b.block != nil {
		b.pool.Put(b.block)
	} else {
		b.small = e.buf[:0]
	}
	b.block, e.buf = block, moved
}

// takePiece takes a large body out of the buffer, which is empty then. ok is false if it is not large, or there is no shared
// memory: then the buffer holds it still.
func (e *Encoder) takePiece() (piece shm.Piece, ok bool) {
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

// Trim gives memory back that is not needed for usual bodies. The buffer must be of no more use.
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

// UseShared has large bodies go through shared memory, which the receiver must allow too. What is not used is kept for idle
// for the bodies to come; 0 gives it back at once. It is called before the Writer is used; close must be called when it is not
// used any more and the receiver is gone. Where there is no shared memory it has no effect.
func (w *Writer) UseShared(idle time.Duration) (close func()) {
	pool := shm.NewPool(bulkKeep, idle)
	w.body = w.NewBody()
	w.body.bulk = &bulk{pool: pool}
	return func() {
		w.SendWhole()
		pool.Close()
	}
}

// SendWhole has large bodies go through the stream from now on. What was sent before stays where it is, for as long as this
// process has it.
func (w *Writer) SendWhole() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.body != nil {
		w.body.Trim()
		w.body = nil
	}
}

// NewBody returns an Encoder for a body that is made while others are sent, and then sent with [Writer.AddBody]. It can be
// used again.
func (w *Writer) NewBody() *Encoder {
	e := NewEncoder(nil)
	if w.body != nil {
		e.bulk = &bulk{pool: w.body.bulk.pool}
	}
	return e
}

// AddBody is [Writer.Add] of a body from [Writer.NewBody], which it may empty. A large one that does not lie in shared memory
// is not copied but written at once, after all that was added before: that blocks like [Writer.Flush].
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

func (w *Writer) addPiece(kind byte, tag uint32, piece shm.Piece) {
	w.enc.buf = piece.Append(appendHeader(w.enc.buf, kind|bulkBit, tag, shm.PieceSize))
}

// UseShared allows bodies that lie in shared memory. It must not be used with a peer that is not trusted to be another
// process of this program. What is not used is kept for idle, as it should be at the Writer. It is called before the Reader is
// used; close must be called when it is not used any more.
func (r *Reader) UseShared(idle time.Duration) (close func()) {
	r.views = shm.NewViews(bulkKeep, idle)
	return func() {
		r.LetGo()
		r.views.Close()
	}
}

// view returns the body that a frame names.
func (r *Reader) view(frame []byte) ([]byte, error) {
	if r.views == nil {
		return nil, fmt.Errorf("%w: its body is in shared memory, which is not allowed here", ErrFormat)
	}
	piece, err := shm.ParsePiece(frame)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if uint64(piece.Length) > r.limit {
		return nil, &SizeError{Size: uint64(piece.Length), Limit: r.limit}
	}
	body, err := r.views.View(piece)
	if errors.Is(err, os.ErrNotExist) { // the sender has ended, and its memory with it
		return nil, cut(io.ErrUnexpectedEOF)
	}
	if err != nil {
		return nil, fmt.Errorf("receive a message: %w", err)
	}
	r.lent = &loan{r.views, piece}
	return body, nil
}

// Keep has the body of the last frame stay valid until release is called, which any goroutine may do, once. It returns nil,
// and has no effect, for a body that is not in shared memory.
func (r *Reader) Keep() (release func()) {
	if r.lent == nil {
		return nil
	}
	release = r.lent.giveBack
	r.lent = nil
	return release
}

// LetGo gives the memory of the last body back to its sender, as the next Next does: for a reader that may be kept from that.
// The body must be of no more use.
func (r *Reader) LetGo() {
	if r.lent != nil {
		r.lent.giveBack()
		r.lent = nil
	}
}
