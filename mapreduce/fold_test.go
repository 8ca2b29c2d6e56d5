package mapreduce

import (
	"context"
	"errors"
	"slices"
	"testing"
)

func push(all []int, n int) ([]int, error) { return append(all, n), nil }

func TestFoldKeepsOrder(t *testing.T) {
	p := newPool(t)
	for _, size := range []int{0, 1, 7, 1000} {
		got, err := Fold(t.Context(), p, echo, slices.Values(numbers(3000)), nil, push, Chunksize(size))
		if err != nil || !slices.Equal(got, numbers(3000)) {
			t.Errorf("chunk size %d: %d results, %v", size, len(got), err)
		}
	}
}

func TestFoldOfNothing(t *testing.T) {
	p := newPool(t)
	if got, err := Fold(t.Context(), p, echo, slices.Values(numbers(0)), []int{5}, push); err != nil || !slices.Equal(got, []int{5}) {
		t.Errorf("%v, %v; want what it began with", got, err)
	}
}

func TestFoldStopsAtItsError(t *testing.T) {
	p := newPool(t)
	enough := errors.New("enough")
	var in endless
	got, err := Fold(t.Context(), p, echo, in.all, 0, func(sum, n int) (int, error) {
		if n == 100 {
			return sum, enough
		}
		return sum + n, nil
	})
	if err != enough || got != 4950 || !in.returned.Load() {
		t.Errorf("%d, %v, want the sum until the error; the input has returned: %v", got, err, in.returned.Load())
	}
	checkUsable(t, p)
}

// What fold returns together with an error is not used.
func TestFoldReturnsWhatWasFolded(t *testing.T) {
	p := newPool(t)
	enough := errors.New("enough")
	got, err := Fold(t.Context(), p, echo, slices.Values(numbers(10)), nil, func(all []int, n int) ([]int, error) {
		if n == 3 {
			return nil, enough
		}
		return append(all, n), nil
	})
	if err != enough || !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestFoldStopsAtAnItem(t *testing.T) {
	p := newPool(t)
	in := func(yield func(int) bool) {
		for n := 1; yield(n); n++ {
		}
	}
	got, err := Fold(t.Context(), p, failAtThrees, in, nil, push)
	item, ok := errors.AsType[*TaskError](err)
	if !ok || item.Index != 2 || item.Input != 3 || !slices.Equal(got, []int{1, 2}) {
		t.Errorf("%v, %v; want the two before the first that fails", got, err)
	}
	checkUsable(t, p)
}

func TestFoldCancelled(t *testing.T) {
	p := newPool(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	because := errors.New("because")
	var in endless
	_, err := Fold(ctx, p, echo, in.all, 0, func(sum, n int) (int, error) {
		cancel(because)
		return sum + n, nil
	})
	if err != because || !in.returned.Load() {
		t.Errorf("error %v, want the cause; the input has returned: %v", err, in.returned.Load())
	}
}
