package bench

import (
	"slices"
	"testing"
)

func TestArrays(t *testing.T) {
	for _, framework := range arrayFrameworks {
		for _, procs := range []int{1, 3} {
			f, err := arrays{MB: 1, Framework: framework, Procs: procs, Repeat: 2}.measure(t.Context())
			if err != nil || f.Check != "sum_ok=True" || f.Workload != "arrays" || f.Framework != "mrrun-"+framework ||
				f.Items != 125_000 || f.MB != 1 || f.MBPerSec != 1/f.Seconds || len(f.All) != 2 {
				t.Errorf("%s: got %+v, %v", framework, f, err)
			}
		}
	}
}

// A single wrong element, in a single run, is detected.
func TestWrongSquares(t *testing.T) {
	runs := 0
	_, equal, err := arrays{Repeat: 3}.repeat([]float64{1, 2, 3}, func() { runs++ }, func() ([][]float64, error) {
		if runs == 2 {
			return [][]float64{{1}, {4, 8}}, nil
		}
		return [][]float64{{1}, {4, 9}}, nil
	})
	if equal || err != nil || runs != 3 {
		t.Errorf("got %t, %v after %d runs", equal, err, runs)
	}
}

func TestBounds(t *testing.T) {
	for _, n := range []int{0, 1, 7, 125_000} {
		for parts := 1; parts < 9; parts++ {
			at := 0
			for i := range parts {
				first, end := bounds(n, parts, i)
				if first != at || end < first {
					t.Errorf("part %d of %d of %d: from %d to %d", i, parts, n, first, end)
				}
				at = end
			}
			if at != n {
				t.Errorf("%d parts of %d end at %d", parts, n, at)
			}
		}
	}
}

func TestSquare(t *testing.T) {
	part := []float64{0, 1, -2, 0.5}
	square(part)
	if want := []float64{0, 1, 4, 0.25}; !slices.Equal(part, want) || sum(part) != 5.25 {
		t.Errorf("got %v, sum %v, want %v", part, sum(part), want)
	}
}
