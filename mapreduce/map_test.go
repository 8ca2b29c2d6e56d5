package mapreduce

import (
	"slices"
	"testing"
)

var echo = Func(func(n int) int { return n })

func TestMapKeepsOrder(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(2))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	args := make([]int, 10000)
	for i := range args {
		args[i] = i
	}
	for _, size := range []int{0, 1, 7, 1000} {
		got, err := echo.Map(t.Context(), p, args, Chunksize(size))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, args) {
			t.Errorf("chunk size %d: results are not the arguments", size)
		}
	}
}
