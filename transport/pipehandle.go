package transport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
	"mrrun/internal/stream"
)

// A pipeHandle is the form of an end in a message: it says where the sender has its files open.
type pipeHandle struct {
	hash       uint64 // of the type
	side, mode uint64
	sender     uint64 // tag of the process that keeps the files until the message has arrived
	region     shm.Place
	in, out    shm.Place // of the bell
}

func (h *pipeHandle) numbers() (all []*uint64) {
	return []*uint64{&h.hash, &h.side, &h.mode, &h.sender}
}

func (h *pipeHandle) places() []*shm.Place { return []*shm.Place{&h.region, &h.in, &h.out} }

const pipeHandleLen = 4 + 3*4

// EncodeMsgpack sends the end to another process of the tree, as the place where it is found. This
// process keeps the end's files until the message has arrived, even if the end is closed here.
func (e *PipeEnd[T]) EncodeMsgpack(enc *msgpack.Encoder) error {
	e.check()
	h, err := e.pipe.send(enc.Writer())
	if err != nil {
		return fmt.Errorf("send the end of a pipe: %w", err)
	}
	h.hash = typeHash[T]()
	if err := enc.EncodeArrayLen(pipeHandleLen); err != nil {
		return err
	}
	for _, n := range h.numbers() {
		if err := enc.EncodeUint(*n); err != nil {
			return err
		}
	}
	for _, p := range h.places() {
		for _, n := range []uint64{uint64(p.PID), uint64(p.FD), p.Dev, p.Inode} {
			if err := enc.EncodeUint(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// DecodeMsgpack receives an end, which the receiver must close. The error wraps [shared.ErrGone] if
// the sender has ended. An end of another type is an error.
func (e *PipeEnd[T]) DecodeMsgpack(d *msgpack.Decoder) error {
	if err := e.decode(d); err != nil {
		return fmt.Errorf("receive the end of a pipe of %v: %w", reflect.TypeFor[T](), err)
	}
	return nil
}

func (e *PipeEnd[T]) decode(d *msgpack.Decoder) error {
	h, err := decodePipeHandle(d)
	if err != nil {
		return err
	}
	if h.hash != typeHash[T]() {
		return errors.New("it has another type: use the same type on both sides")
	}
	p, err := h.open()
	if err != nil {
		return err
	}
	end, err := newEnd[T](p)
	if err != nil {
		_ = p.Close()
		return err
	}
	*e = *end
	return nil
}

func decodePipeHandle(d *msgpack.Decoder) (h pipeHandle, err error) {
	n, err := d.DecodeArrayLen()
	if err == nil && n != pipeHandleLen {
		err = fmt.Errorf("an array of %d is not a handle", n)
	}
	next := func() (v uint64) {
		if err == nil {
			v, err = d.DecodeUint64()
		}
		return v
	}
	for _, n := range h.numbers() {
		*n = next()
	}
	for _, p := range h.places() {
		*p = shm.Place{PID: int(next()), FD: int(next()), Dev: next(), Inode: next()}
	}
	return h, err
}

// send returns the form of the end in a message that is written to w, which keeps the end's files.
func (p *pipe) send(w io.Writer) (h pipeHandle, err error) {
	carried, err := p.carried(w)
	if err != nil {
		return h, err
	}
	if !carried {
		if err := p.depart(); err != nil {
			return h, err
		}
	}
	return p.handle()
}

// handle returns where the end is found. The end must stay open meanwhile.
func (p *pipe) handle() (h pipeHandle, err error) {
	h.side, h.mode, h.sender = uint64(p.side), uint64(p.mode), uint64(p.self.Tag())
	if h.in, err = placeOf(p.bell.In.(*os.File)); err != nil {
		return h, err
	}
	if h.out, err = placeOf(p.bell.Out.(*os.File)); err != nil {
		return h, err
	}
	h.region, err = placeOf(p.region.File())
	return h, err
}

// open opens the end in the process that received it.
func (h *pipeHandle) open() (*pipe, error) {
	self, err := shm.Self()
	if err != nil {
		return nil, err
	}
	if h.side > 1 || h.mode == 0 || h.mode > uint64(sends|receives) {
		return nil, fmt.Errorf("%w: side %d, mode %d", ErrFormat, h.side, h.mode)
	}
	region, err := h.region.Find()
	if err != nil {
		return nil, gone(h.region.PID, err)
	}
	in, out, err := h.openBell()
	var p *pipe
	if err == nil {
		p, err = newPipeEnd(self, region, stream.Bell{In: in, Out: out}, pipeMode(h.mode), int(h.side))
	}
	if err != nil {
		for _, f := range []*os.File{in, out} {
			f.Close() // closing nil only returns an error
		}
		_ = region.Close()
		return nil, err
	}
	p.Arrived().Add(1)
	self.Table().Announce(shm.Tag(h.sender))
	return p, nil
}

// openBell opens the files of the bell. If nothing listens to the bell any more, rings go to
// /dev/null.
func (h *pipeHandle) openBell() (in, out *os.File, err error) {
	if in, err = openFIFO(h.in, os.O_RDONLY); err != nil {
		return nil, nil, err
	}
	out, err = openFIFO(h.out, os.O_WRONLY)
	if err == errOtherGone {
		out, err = os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	}
	return in, out, err
}

func gone(pid int, err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w: process %d has closed it or has ended", shm.ErrGone, pid)
	}
	return err
}
