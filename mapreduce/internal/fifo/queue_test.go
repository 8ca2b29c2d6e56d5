package fifo

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestQueueLikeSlice(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var q Queue[int]
	var want []int
	for step := range 20_000 {
		switch {
		case len(want) == 0 || random.IntN(100) < 50+step/2000%2*4-2: // longer for a while, then shorter
			q.Push(step)
			want = append(want, step)
		case random.IntN(10) == 0:
			i := random.IntN(len(want))
			q.Delete(i)
			want = slices.Delete(want, i, i+1)
		default:
			if got := q.Pop(); got != want[0] {
				t.Fatalf("step %d: popped %d, want %d", step, got, want[0])
			}
			want = want[1:]
		}
		if q.Len() != len(want) || !slices.Equal(q.Items(), want) {
			t.Fatalf("step %d: %v, want %v", step, q.Items(), want)
		}
	}
}

// A queue of a constant length takes no memory.
func TestQueueKeepsMemory(t *testing.T) {
	var q Queue[*int]
	for range 100 {
		q.Push(new(int))
	}
	if n := testing.AllocsPerRun(10, func() {
		for range 1000 {
			q.Push(q.Pop())
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for q.Len() > 0 {
		q.Pop()
	}
	if i := slices.IndexFunc(q.all[:cap(q.all)], func(p *int) bool { return p != nil }); i >= 0 {
		t.Errorf("the empty queue keeps item %d", i)
	}
}
