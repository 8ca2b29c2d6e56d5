package mapreduce_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"mrrun/mapreduce"
)

// A tally counts items and workers.
type tally struct{ items, failed, workers atomic.Int64 }

func (*tally) Begin(mapreduce.Chunk) {}

func (t *tally) End(c mapreduce.Chunk, o mapreduce.Outcome) {
	t.items.Add(int64(c.Items()))
	t.failed.Add(int64(len(o.Failures)))
}

func (t *tally) Worker(w mapreduce.WorkerChange) {
	if w.State == mapreduce.WorkerReady {
		t.workers.Add(1)
	}
}

func ExampleObserve() {
	var seen tally
	pool, err := mapreduce.NewPool(context.Background(), mapreduce.Procs(1), mapreduce.Observe(&seen))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Terminate()
	_, err = square.Map(context.Background(), pool, []int{1, 2, 3})
	fmt.Println(seen.items.Load(), seen.failed.Load(), seen.workers.Load(), err)
	// Output: 3 0 1 <nil>
}
