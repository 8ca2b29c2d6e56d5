package manager

import (
	"errors"
	"fmt"
	"strings"

	"mrrun/mapreduce/internal/knownerr"
	"mrrun/transport"
)

// protocolVersion is the version of the protocol, which must be the same on both sides.
const protocolVersion = 3

// The kinds of frames. The client chooses the tag of a call; cancel, result and failure carry the
// tag of their call.
const (
	kindHello   byte = iota + 1 // each side's first frame: version, largest message, then see greeting.go
	kindCall                    // object, method, arguments
	kindCancel                  // the caller no longer waits
	kindPing                    // asks for a pong: is the server there?
	kindResult                  // what the method returned
	kindFailure                 // the text of the error and its identity
	kindPong                    // the answer to a ping
	kindTell                    // object, method, arguments: a call without an answer
)

// noTag is the tag of frames that need no answer.
const noTag = 0

var (
	// ErrLost is wrapped by the error of every call whose connection to the manager has ended.
	ErrLost = errors.New("the connection to the manager is lost")

	// ErrNoAnswer is wrapped, besides the cause, by the error of a call whose ctx has ended while
	// the manager gives no sign of life: it is stopped, or cut off. It is unknown whether the
	// manager has done, or will do, what the call asks for. If the call would make the caller the
	// holder of something, a lock, a permit or a value of a queue, the manager takes it back when
	// it goes on.
	ErrNoAnswer = errors.New("the manager does not answer")

	// ErrVersion is wrapped by the error of a connection to a manager that speaks another version
	// of the protocol.
	ErrVersion = errors.New("the manager speaks another version")

	// ErrNoObject is wrapped by the error about an object that no longer exists, because nothing
	// refers to it.
	ErrNoObject = errors.New("the manager has no such object")

	// ErrNoMethod is wrapped by the error about a method, function or field that does not exist.
	ErrNoMethod = errors.New("no such method")

	// ErrIndex is wrapped by the error about an element that does not exist.
	ErrIndex = errors.New("index out of range")

	// ErrType is wrapped by the error about an object, argument or result that does not have the
	// type asked for.
	ErrType = errors.New("wrong type")

	// ErrNotHeld is wrapped by the error, or the panic, about a lock that this client does not
	// hold.
	ErrNotHeld = errors.New("the lock is not held by this client")

	// ErrBusy is wrapped by the error of a call when too many calls of its client wait on the
	// server: see [MaxWaiting].
	ErrBusy = errors.New("the manager is busy")
)

func init() {
	knownerr.Register(ErrLost, ErrVersion, ErrNoObject, ErrNoMethod, ErrIndex, ErrType, ErrNotHeld, ErrBusy)
}

// A CallError is an error with which the manager answered a call. It wraps the sentinels of this
// package and of package shared, the errors of the manager's pools, and all errors that both
// programs have registered with [mapreduce.RegisterError].
type CallError struct {
	Method string // the method that was called
	Text   string // the text of the manager's error

	is []error // the errors that it wraps
}

func (e *CallError) Error() string { return fmt.Sprintf("manager: %s: %s", e.Method, e.Text) }

func (e *CallError) Unwrap() []error { return e.is }

// encodeFailure encodes the body of a failure. It cuts a text of more than room bytes, and reduces
// an identity of more than room bytes to the sentinels.
func encodeFailure(e *transport.Encoder, err error, room uint64) {
	text := err.Error()
	if uint64(len(text)) > room {
		text = strings.ToValidUTF8(text[:room], "") + "…"
	}
	e.String(text)
	id, start := knownerr.Of(err), e.Len()
	if id.Encode(e); uint64(e.Len()-start) > room {
		e.Truncate(start)
		knownerr.Identity{Is: id.Is}.Encode(e)
	}
}

func decodeFailure(method string, body []byte) error {
	d := transport.NewDecoder(body)
	text, err := d.String()
	if err != nil {
		return fmt.Errorf("manager: %s: malformed answer: %w", method, err)
	}
	id, err := knownerr.Decode(d)
	if err != nil {
		return fmt.Errorf("manager: %s: malformed answer: %w", method, err)
	}
	return &CallError{Method: method, Text: text, is: id.Errors()}
}

// parseCall reads the head of a call from d and leaves its arguments there. The method is a part of
// the frame's body.
func parseCall(d *transport.Decoder) (object uint64, method []byte, err error) {
	if object, err = d.Uint(); err != nil {
		return 0, nil, fmt.Errorf("object: %w", err)
	}
	if method, err = d.Blob(); err != nil {
		return 0, nil, fmt.Errorf("method: %w", err)
	}
	return object, method, nil
}
