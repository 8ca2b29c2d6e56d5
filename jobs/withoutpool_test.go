package jobs

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// A job has the same result without a pool.
func TestWithoutPool(t *testing.T) {
	closed := 0
	for _, start := range []string{Loop, Goroutines} {
		line := newTestLine(t, doubleCommand(&closed, nil), "--limit", "100")
		r := running(3, 0)
		r.Start = start
		run, err := line.Run(t.Context(), r)
		if err != nil || run.Result() != int64(9900) || len(run.PIDs) > 0 || run.Chunks > 0 || !line.HasLoop() {
			t.Errorf("%s: got %v, %v", start, run, err)
		}
		line = newTestLine(t, tallyCommand())
		if r.Only = numbersOf([]int{1, 2}); line.HasLoop() {
			t.Error("a keyed job has a loop")
		}
		run, err = line.Run(t.Context(), r)
		if err != nil || run.Pieces != 2 {
			t.Errorf("%s: got %v, %v", start, run, err)
		}
		failing := newTestLine(t, doubleCommand(&closed, func(d *doubler) { d.first = 1010 }), "--limit", "4")
		r.Only = nil
		if _, err := failing.Run(t.Context(), r); err == nil || err.Error() != "1013 is unlucky" {
			t.Errorf("%s: got %v", start, err)
		}
	}
	chosen := doubleCommand(&closed, nil)
	chosen.New = func(*Flags) Work {
		return Choose(func() Work { return Fold(double, &doubler{limit: 10, closed: &closed}) })
	}
	if !newTestLine(t, chosen).HasLoop() {
		t.Error("a fold that is chosen has no loop")
	}
	run, err := newTestLine(t, doubleCommand(&closed, nil)).Run(t.Context(), running(2, 0))
	if err != nil || run.Waiting <= 0 || run.Waiting > 1 || run.Memory < 1<<20 {
		t.Errorf("waiting %v, memory %d, %v", run.Waiting, run.Memory, err)
	}
}

// Goroutines give their results in order, and end with the loop over them or with their context.
func TestInGoroutines(t *testing.T) {
	numbers := make([]int, 500)
	for i := range numbers {
		numbers[i] = i
	}
	var got []int
	for n, err := range inGoroutines(t.Context(), 4, double, slices.Values(numbers)) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, n/2); len(got) == 400 {
			break
		}
	}
	if !slices.Equal(got, numbers[:400]) {
		t.Errorf("got %v", got)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	for _, err := range inGoroutines(ctx, 4, double, slices.Values(numbers)) {
		if err != nil {
			if err != cause {
				t.Errorf("got %v", err)
			}
			return
		}
	}
	t.Error("the end of the context was not noticed")
}
