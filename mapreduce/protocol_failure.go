package mapreduce

import (
	"context"
	"errors"
	"fmt"

	"mrrun/mapreduce/internal/knownerr"
	"mrrun/transport"

	"github.com/vmihailenco/msgpack/v5"
)

// A sentFailure is a TaskError on its way to a process, which may run another program.
type sentFailure struct {
	Index int
	Msg   string
	Stack string
	knownerr.Identity
}

// EncodeMsgpack sends the failure to another process, without its Input.
func (e *TaskError) EncodeMsgpack(enc *msgpack.Encoder) error {
	sent := sentFailure{e.Index, e.Msg, e.Stack, knownerr.Of(e)}
	return enc.Encode(&sent)
}

// DecodeMsgpack receives a failure. [errors.Is] finds in it the errors that this program knows too:
// see [RegisterError].
func (e *TaskError) DecodeMsgpack(dec *msgpack.Decoder) error {
	var sent sentFailure
	if err := dec.Decode(&sent); err != nil {
		return err
	}
	*e = TaskError{Index: sent.Index, Msg: sent.Msg, Stack: sent.Stack, is: sent.Errors()}
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
	out.String(err.Error())
	stack := ""
	if p, ok := errors.AsType[*panicError](err); ok {
		stack = p.stack
	}
	out.String(stack)
	knownerr.Of(err).Encode(out)
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
