package mapreduce

import (
	"encoding/binary"
	"io"
	"time"

	"mrrun/mapreduce/internal/proc"
	"mrrun/transport"
)

// Kinds of frames between a driver and its worker. The driver's tag is the number of a call or of a
// chunk; a worker answers chunks in the order in which it got them, with the same tag.
const (
	kindState    = proc.KindStop + 1 + iota // driver, before all calls: make a state. body: its number, argument
	kindOpen                                // driver: a call begins. tag: call; body: a callHead
	kindChunk                               // driver: run a chunk. tag: chunk; body: a chunkHead, arguments
	kindCancel                              // driver: end the context of a call, skip its chunks. tag: call; body: the cause
	kindForget                              // driver: no more chunks of this call will come. tag: call
	kindMade                                // worker: it made a state. tag: 0 or sendWhole; body: a failure; empty: none
	kindAnswer                              // worker: the answer. tag: chunk; body: work time, state, items or error
	kindLog                                 // worker: a log record. body: as logHandler writes it
	kindProfile                             // driver: make a profile. tag: request; body: kind, nanoseconds
	kindProfiled                            // worker: the profile. tag: request; body: error text or empty; profile
	kindLeaving                             // worker: what it does last, after all answers. body: its name
	kindLastWord                            // worker: nothing more will come; it exits. body: empty
	kindStacks                              // worker: its goroutines when the time of an item was over. tag: chunk; body: offset, text
	kindExpire                              // driver: the time of an item is over. tag: chunk; body: its offset there
)

// sendWhole, from a worker, says that large bodies go through the pipe from now on, both ways.
const sendWhole = 1

// States of an answer, one byte.
const (
	chunkDone   = 0 // the items follow, as their task writes them
	chunkFailed = 1 // the text of an error about the whole chunk follows
)

// An answer begins with the nanoseconds that the chunk took, in a fixed number of bytes, since they
// are known last.
const workTimeSize = 8

var noWorkTime [workTimeSize]byte

func putWorkTime(answer []byte, took time.Duration) {
	binary.LittleEndian.PutUint64(answer, uint64(took))
}

func takeWorkTime(in *transport.Decoder) (time.Duration, error) {
	var took [workTimeSize]byte
	if n, _ := in.Read(took[:]); n < len(took) {
		return 0, io.ErrUnexpectedEOF
	}
	return time.Duration(binary.LittleEndian.Uint64(took[:])), nil
}

// A callHead is what a worker must know about a call.
type callHead struct {
	task    uint64
	params  []byte
	timeout uint64 // of an item, in nanoseconds; 0: none
	seed    uint64
	place   uint64 // of the worker
	level   uint64 // lowest level of log records to send, + levelOffset; 0: all

	deadline time.Time // of the call; zero: none
}

func (h *callHead) encode(out *transport.Encoder) {
	out.Uint(h.task)
	out.Blob(h.params)
	out.Uint(h.timeout)
	out.Uint(h.seed)
	out.Uint(h.place)
	out.Uint(h.level)
	encodeTime(out, h.deadline)
}

func (h *callHead) decode(in *transport.Decoder) (err error) {
	if h.params, err = decodeUintThenBlob(in, &h.task); err != nil {
		return err
	}
	if err := decodeUints(in, &h.timeout, &h.seed, &h.place, &h.level); err != nil {
		return err
	}
	h.deadline, err = decodeTime(in)
	return err
}

// A chunkHead says which items follow.
type chunkHead struct {
	callID  uint64
	first   uint64 // index of the first item
	items   uint64
	attempt uint64 // 1 when the first item is sent first, 2 the next time, and so on
}

func (h *chunkHead) encode(out *transport.Encoder) {
	out.Uint(h.callID)
	out.Uint(h.first)
	out.Uint(h.items)
	out.Uint(h.attempt)
}

func (h *chunkHead) decode(in *transport.Decoder) error {
	return decodeUints(in, &h.callID, &h.first, &h.items, &h.attempt)
}

func decodeUints(in *transport.Decoder, to ...*uint64) (err error) {
	for _, n := range to {
		if *n, err = in.Uint(); err != nil {
			return err
		}
	}
	return nil
}

func decodeUintThenBlob(in *transport.Decoder, n *uint64) ([]byte, error) {
	if err := decodeUints(in, n); err != nil {
		return nil, err
	}
	return in.Blob()
}

// An answer holds, for each item of the chunk, one of these bytes and then the result or the error.
const (
	itemOK     = 0
	itemFailed = 1
)
