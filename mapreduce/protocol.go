package mapreduce

import (
	"mrrun/mapreduce/internal/proc"
	"mrrun/transport"
)

// Frames between a driver and its worker. The driver's tag is the number of a call or of a chunk; a worker answers chunks
// in the order in which it got them, with the same tag.
const (
	kindOpen   = proc.KindStop + 1 + iota // driver: a call begins. tag: call; body: number of its task, parameters
	kindChunk                             // driver: run this. tag: chunk; body: call, count of items, arguments
	kindCancel                            // driver: end the context of a call, skip its chunks. tag: call; body: the cause
	kindForget                            // driver: no more chunks of this call will come. tag: call
	kindAnswer                            // worker: tag: chunk; body: nanoseconds of work, state, items or error
)

// States of an answer.
const (
	chunkDone   = 0 // then the items, as their task writes them
	chunkFailed = 1 // then the text of an error that is about the whole chunk
)

func encodeOpen(out *transport.Encoder, e *entry, params []byte) {
	out.Uint(uint64(e.number))
	out.Blob(params)
}

func encodeChunkHead(out *transport.Encoder, call uint32, items int) {
	out.Uint(uint64(call))
	out.Uint(uint64(items))
}

func decodeChunkHead(in *transport.Decoder) (call uint32, items int, err error) {
	c, err := in.Uint()
	if err != nil {
		return 0, 0, err
	}
	n, err := in.Uint()
	return uint32(c), int(n), err
}
