package mapreduce_test

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
)

// sumTo reports how far it is.
var sumTo = mapreduce.FuncContext(func(ctx context.Context, n int) (sum int, err error) {
	for i := range n {
		sum += i
		mapreduce.Report(ctx, int64(i+1), int64(n))
	}
	return sum, nil
})

func ExampleReport() {
	pool, err := mapreduce.NewPool(context.Background(), mapreduce.Procs(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Terminate()
	fmt.Println(sumTo.Apply(context.Background(), pool, 1000))
	// Output: 499500 <nil>
}

func ExampleTimes() {
	s := mapreduce.Stats{Done: 8, Times: mapreduce.Times{Start: 7e9, Work: 3e9}}
	fmt.Println(s.Times.Total())
	fmt.Println(s.Advice())
	// Output:
	// 10s
	// Starting workers took 70 % of their time: the work is too short for them; give the pool more of it, or fewer workers.
}
