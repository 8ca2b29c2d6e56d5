package manager

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"mrrun/mapreduce"
)

// An overdraft is an error that is recognized by its type.
type overdraft struct{ Missing int }

func (e *overdraft) Error() string { return fmt.Sprintf("%d are missing", e.Missing) }

var errFrozen = errors.New("the account is frozen")

func init() { mapreduce.RegisterError(errFrozen, &overdraft{}) }

// A purse has methods that fail in different ways.
type purse struct{}

func (purse) Pay(n int) (int, error) {
	switch n {
	case 0:
		return 0, fmt.Errorf("pay: %w", errFrozen)
	case 1:
		return 0, errors.Join(io.EOF, &overdraft{5})
	case 2:
		return 0, mapreduce.ErrTimeout
	}
	return 0, errors.New("no")
}

var purses = Register("purse", func() *purse { return &purse{} })

// errors.Is and errors.As find the same in the error of a call as in the error of the object's
// method.
func TestCallErrorsKeepIdentity(t *testing.T) {
	ctx := within(t)
	p := must1(purses.New(ctx, serve(t)()))
	for n, is := range []error{errFrozen, io.EOF, mapreduce.ErrTimeout, nil} {
		_, err := Call[int](ctx, p, "Pay", n)
		if _, ok := errors.AsType[*CallError](err); !ok {
			t.Errorf("%v; want a CallError", err)
		}
		for _, known := range []error{errFrozen, io.EOF, mapreduce.ErrTimeout, ErrIndex} {
			if errors.Is(err, known) != (known == is) {
				t.Errorf("%v: is it %v? %v", err, known, known != is)
			}
		}
		if missing, ok := errors.AsType[*overdraft](err); ok != (n == 1) || ok && missing.Missing != 5 {
			t.Errorf("%v: as an overdraft it is %v", err, missing)
		}
	}
}
