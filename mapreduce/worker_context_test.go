package mapreduce

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"testing"
	"time"
)

var (
	whereAmI = FuncContext(func(ctx context.Context, n int) (Worker, error) {
		return CurrentWorker(context.WithValue(ctx, numbered{}, n)), nil // a derived context works too
	})
	dieOnce = FuncContext(func(ctx context.Context, n int) (Worker, error) {
		w := CurrentWorker(ctx)
		if n == 0 && w.Attempt == 1 {
			os.Exit(1)
		}
		return w, nil
	})
	randoms = FuncContext(func(ctx context.Context, n int) ([]uint64, error) {
		random := Rand(ctx)
		all := make([]uint64, n)
		for i := range all {
			all[i] = random.Uint64()
		}
		return all, nil
	})
	deadline = FuncContext(func(ctx context.Context, _ int) (time.Duration, error) {
		at, ok := ctx.Deadline()
		if !ok {
			return 0, nil
		}
		return time.Until(at), nil
	})
	awaitDeadline = FuncContext(func(ctx context.Context, _ int) (int, error) {
		<-ctx.Done()
		return 0, context.Cause(ctx)
	})
)

func TestCurrentWorker(t *testing.T) {
	p := newPool(t)
	for _, size := range []int{1, 10} {
		got, err := whereAmI.Map(t.Context(), p, numbers(100), Chunksize(size))
		if err != nil {
			t.Fatal(err)
		}
		pids := make(map[int]int)
		for _, w := range p.Workers() {
			pids[w.ID] = w.PID
		}
		for i, w := range got {
			if w.Index != i || w.Attempt != 1 || w.ID == 0 || w.PID == os.Getpid() || pids[w.ID] != w.PID {
				t.Errorf("item %d: %+v, workers %v", i, w, pids)
			}
		}
	}
	if w := CurrentWorker(t.Context()); w != (Worker{}) {
		t.Errorf("outside of a task: %+v", w)
	}
	got, err := dieOnce.Map(t.Context(), p, numbers(20), Chunksize(20))
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range got {
		if want := 1; i > 0 && w.Attempt != want || i == 0 && w.Attempt != 2 || w.Index != i {
			t.Errorf("item %d after a death: %+v", i, w)
		}
	}
}

func TestRandIsTheItems(t *testing.T) {
	var want [][]uint64
	for _, procs := range []int{1, 3} {
		p := newPool(t, Procs(procs))
		for _, size := range []int{0, 1, 7} {
			got, err := randoms.Map(t.Context(), p, slices.Repeat([]int{4}, 50), Chunksize(size))
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("%d workers, chunk size %d: others", procs, size)
			}
		}
		other, err := randoms.Map(t.Context(), p, slices.Repeat([]int{4}, 50), Seed(1))
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[uint64]bool)
		for _, item := range slices.Concat(want, other) {
			for _, n := range item {
				if seen[n] {
					t.Errorf("%d comes twice", n)
				}
				seen[n] = true
			}
		}
	}
	if a, b := Rand(t.Context()).Uint64(), Rand(t.Context()).Uint64(); a == b {
		t.Error("outside of a task it is the same each time")
	}
}

// The first numbers of neighbouring items are as evenly spread, and as unrelated, as those of one
// good source.
func TestRandIsUniform(t *testing.T) {
	p := newPool(t)
	const n, bins = 20_000, 64
	got, err := randoms.Map(t.Context(), p, slices.Repeat([]int{1}, n), Seed(42))
	if err != nil {
		t.Fatal(err)
	}
	var count [bins]float64
	var ones [64]float64
	related, last := 0.0, 0.5
	for _, item := range got {
		count[item[0]%bins]++
		for bit := range ones {
			ones[bit] += float64(item[0] >> bit & 1)
		}
		x := float64(item[0]>>11) / (1 << 53)
		related += (x - 0.5) * (last - 0.5)
		last = x
	}
	chi := 0.0
	for _, c := range count {
		chi += (c - n/bins) * (c - n/bins) / (n / bins)
	}
	if chi < 25 || chi > 120 { // 63 degrees of freedom; the numbers are the same in every run
		t.Errorf("chi squared is %.1f", chi)
	}
	for bit, c := range ones {
		if z := (c - n/2) / math.Sqrt(n/4); math.Abs(z) > 4.5 {
			t.Errorf("bit %d is set in %.0f of %d", bit, c, n)
		}
	}
	if z := related * 12 / math.Sqrt(n); math.Abs(z) > 4 {
		t.Errorf("neighbours are related: %.1f sigma", z)
	}
}

func TestDeadlineOfTimeout(t *testing.T) {
	p := newPool(t)
	got, err := deadline.Map(t.Context(), p, numbers(10), Timeout(time.Minute), Chunksize(5))
	if err != nil {
		t.Fatal(err)
	}
	for i, left := range got {
		if left < 30*time.Second || left > time.Minute {
			t.Errorf("item %d: %v left", i, left)
		}
	}
	if left, err := deadline.Apply(t.Context(), p, 1); left != 0 || err != nil {
		t.Errorf("without a timeout: %v left, %v", left, err)
	}
	_, err = awaitDeadline.Apply(t.Context(), p, 1, Timeout(20*time.Millisecond))
	if !errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
