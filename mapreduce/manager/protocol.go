package manager

import (
	"errors"
	"fmt"
	"strings"

	"mrrun/mapreduce/internal/knownerr"
	"mrrun/transport"
)

// protocolVersion is what both sides must speak.
const protocolVersion = 3

// The kinds of frames. The tag of a call is its client's choice; cancel, result and failure bear the tag of their call.
const (
	kindHello   byte = iota + 1 // both ways, first: version, largest message, and from the server its instance
	kindCall                    // object, method, arguments
	kindCancel                  // the caller waits no longer
	kindPing                    // are you there?
	kindResult                  // what the method returned
	kindFailure                 // text, and what is known of the error
	kindPong                    // yes
	kindTell                    // object, method, arguments: a call without an answer
)

// noTag is the tag of what is sent without waiting for an answer.
const noTag = 0

var (
	// ErrLost is wrapped by the error of every call whose connection to the manager has ended.
	ErrLost = errors.New("the connection to the manager is lost")

	// ErrNoAnswer is wrapped by the error of a call whose ctx has ended, besides the cause, if the manager gives no sign of life
	// then: it is stopped, or cut off. Nobody knows whether the call is done, or will be. What it would have the caller hold, a
	// lock, a permit or a value of a queue, goes back when the manager goes on.
	ErrNoAnswer = errors.New("the manager does not answer")

	// ErrVersion is wrapped by the error of a connection to a manager of another version.
	ErrVersion = errors.New("the manager speaks another version")

	// ErrNoObject is wrapped by the error about an object that is not there any more, as nobody refers to it.
	ErrNoObject = errors.New("the manager has no such object")

	// ErrNoMethod is wrapped by the error about what an object cannot do.
	ErrNoMethod = errors.New("no such method")

	// ErrIndex is wrapped by the error about an element that is not there.
	ErrIndex = errors.New("index out of range")

	// ErrType is wrapped by the error about an object, argument or result of another type than was asked for.
	ErrType = errors.New("wrong type")

	// ErrNotHeld is wrapped by the error, or the panic, about a lock that this connection does not hold.
	ErrNotHeld = errors.New("the lock is not held by this client")

	// ErrBusy is wrapped by the error when too many calls of a client wait: see [MaxWaiting].
	ErrBusy = errors.New("the manager is busy")
)

func init() {
	knownerr.Register(ErrLost, ErrVersion, ErrNoObject, ErrNoMethod, ErrIndex, ErrType, ErrNotHeld, ErrBusy)
}

// A CallError is an error that the manager answered a call with. It wraps the sentinels of this package and of shared, what
// the manager's pools return, and all that [mapreduce.RegisterError] has made known to both programs.
type CallError struct {
	Method string // what was called
	Text   string // what the manager says

	is []error // what it wraps
}

func (e *CallError) Error() string { return fmt.Sprintf("manager: %s: %s", e.Method, e.Text) }

func (e *CallError) Unwrap() []error { return e.is }

// encodeFailure makes the body of a failure. A text of more than room bytes is cut, and so is what is known of the error.
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
		return fmt.Errorf("manager: %s: broken answer: %w", method, err)
	}
	id, err := knownerr.Decode(d)
	if err != nil {
		return fmt.Errorf("manager: %s: broken answer: %w", method, err)
	}
	return &CallError{Method: method, Text: text, is: id.Errors()}
}

// parseCall takes the head of a call from d and leaves its arguments there. The method is part of the body.
func parseCall(d *transport.Decoder) (object uint64, method []byte, err error) {
	if object, err = d.Uint(); err != nil {
		return 0, nil, fmt.Errorf("object: %w", err)
	}
	if method, err = d.Blob(); err != nil {
		return 0, nil, fmt.Errorf("method: %w", err)
	}
	return object, method, nil
}
