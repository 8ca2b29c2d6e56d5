package mapreduce

import (
	"context"
	"errors"
	"fmt"

	"mrrun/mapreduce/internal/knownerr"
	"mrrun/transport"

	"github.com/vmihailenco/msgpack/v5"
)

// EncodeMsgpack sends the failure to another process, which may run another program, without its
// Input.
func (e *TaskError) EncodeMsgpack(enc *msgpack.Encoder) error {
	out := transport.NewEncoder(nil)
	out.Uint(uint64(e.Index))
	writeFailure(out, e.Msg, e.Stack, knownerr.Of(e))
	return enc.EncodeBytes(out.Bytes())
}

// DecodeMsgpack receives a failure. [errors.Is] finds in it the errors that this program knows too:
// see [RegisterError].
func (e *TaskError) DecodeMsgpack(dec *msgpack.Decoder) error {
	sent, err := dec.DecodeBytes()
	if err != nil {
		return err
	}
	var index uint64
	in := transport.NewDecoder(sent)
	if err := decodeUints(in, &index); err != nil {
		return err
	}
	failure, err := decodeFailure(in)
	if err != nil {
		return err
	}
	*e = *failure
	e.Index = int(index)
	return nil
}

// encodeFailure writes a task's error: its text, its stack, and which known errors it contains.
func encodeFailure(out *transport.Encoder, err error) {
	start := out.Len()
	defer func() {
		if p := recover(); p != nil { // in a method of the error
			out.Truncate(start)
			failed := newPanicError(p)
			failed.value += fmt.Sprintf(", in a method of a %T", err)
			failed.err = nil // the methods of the error might panic again
			encodeFailure(out, failed)
		}
	}()
	stack := ""
	if p, ok := errors.AsType[*panicError](err); ok {
		stack = p.stack
	} else if s, ok := errors.AsType[*stacksError](err); ok {
		stack = s.stacks
	}
	writeFailure(out, err.Error(), stack, knownerr.Of(err))
}

// writeFailure writes the one form in which failures travel. decodeFailure reads it.
func writeFailure(out *transport.Encoder, msg, stack string, id knownerr.Identity) {
	out.String(msg)
	out.String(stack)
	id.Encode(out)
}

func decodeFailure(in *transport.Decoder) (*TaskError, error) {
	e := &TaskError{}
	var err error
	if e.Msg, err = in.String(); err != nil {
		return nil, err
	}
	if e.Stack, err = in.String(); err != nil {
		return nil, err
	}
	id, err := knownerr.Decode(in)
	e.is = id.Errors()
	return e, err
}

// decodeCause decodes the cause with which a call was cancelled.
func decodeCause(body []byte) error {
	cause, err := decodeFailure(transport.NewDecoder(body))
	if err != nil {
		return fmt.Errorf("mapreduce: decode the cause of a cancelled call: %w", err)
	}
	for _, usual := range []error{context.Canceled, context.DeadlineExceeded} {
		if cause.Msg == usual.Error() {
			return usual
		}
	}
	return cause.ofNoItem()
}
