package knownerr

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"mrrun/shared"
	"mrrun/transport"
)

var (
	errFirst  = errors.New("two of one text")
	errSecond = errors.New("two of one text")
)

func init() { Register(errFirst, errSecond, &quota{}, &hook{}) }

// A quota is an error that travels whole.
type quota struct{ Bytes int }

func (q *quota) Error() string { return fmt.Sprintf("more than %d bytes", q.Bytes) }

// A hook is an error that cannot travel, and whose text cannot be asked for.
type hook struct{ Call func() string }

func (h *hook) Error() string { return h.Call() }

// sent returns the errors that arrive for err in another process.
func sent(t *testing.T, err error) []error {
	t.Helper()
	out := transport.NewEncoder(nil)
	Of(err).Encode(out)
	id, err := Decode(transport.NewDecoder(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return id.Errors()
}

// same reports whether two errors are one, or equal values.
func same(a, b error) bool {
	if q, ok := a.(*quota); ok {
		other, ok := b.(*quota)
		return ok && *q == *other
	}
	return a == b
}

func TestIdentity(t *testing.T) {
	for _, test := range []struct {
		err  error
		want []error
	}{
		{errors.New("unknown"), nil},
		{errFirst, []error{errFirst}},
		{errSecond, []error{errSecond}},
		{fmt.Errorf("%w, and %w", shared.ErrOwnerDied, io.EOF), []error{io.EOF, shared.ErrOwnerDied}},
		{fmt.Errorf("write: %w", &quota{7}), []error{&quota{7}}},
		{&hook{func() string { return "no" }}, nil},
	} {
		if got := sent(t, test.err); !slices.EqualFunc(got, test.want, same) {
			t.Errorf("%v arrives as %v, want %v", test.err, got, test.want)
		}
	}
	late := errors.New("registered after the first use")
	Register(late)
	if got := sent(t, late); len(got) != 1 || got[0] != late {
		t.Errorf("%v arrives as %v", late, got)
	}
}

// Whatever the bytes, decoding ends in errors or in fewer errors.
func TestBrokenIdentity(t *testing.T) {
	out := transport.NewEncoder(nil)
	Of(fmt.Errorf("%w: %w", io.EOF, &quota{7})).Encode(out)
	whole := out.Bytes()
	for n := range whole {
		if _, err := Decode(transport.NewDecoder(whole[:n])); err == nil {
			t.Errorf("%d of %d bytes are taken for an identity", n, len(whole))
		}
	}
	for _, encoded := range []string{"", "\xc1", "\x91\xa3abc", "\xdf\xff\xff\xff\xff"} {
		id := Identity{Is: []string{"no such error"}, As: []Value{{"*knownerr.quota", []byte(encoded)}, {"*none.such", nil}}}
		for _, err := range id.Errors() {
			if q, ok := errors.AsType[*quota](err); !ok || q.Bytes != 0 {
				t.Errorf("%q arrives as %v", encoded, err)
			}
		}
	}
}
