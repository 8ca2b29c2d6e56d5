// Command heartbeat computes a factorial in one process, while another, a daemon, watches its
// heartbeat: the number of steps it has done, in a shared value. The daemon tells when the number
// stops growing.
//
// In Python it is a Process(daemon=True) that looks at a multiprocessing.Value in a loop.
package main

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"mrrun/mapreduce"
	"mrrun/shared"
)

// A computation is the factorial of N; Steps counts the steps that are done.
type computation struct {
	N     int
	Stuck bool // it stops half way
	Steps *shared.Value[int]
}

var factorial = mapreduce.Func(func(c computation) int {
	product := big.NewInt(1)
	for i := 1; i <= c.N; i++ {
		if c.Stuck && i > c.N/2 {
			time.Sleep(time.Hour)
		}
		product.Mul(product, big.NewInt(int64(i)))
		c.Steps.Add(1)
	}
	return len(product.String())
})

// watch returns the number of steps when it has not grown for a while.
var watch = mapreduce.FuncContext(func(ctx context.Context, steps *shared.Value[int]) (int, error) {
	for last := -1; ; {
		now := steps.Load()
		if now > 0 && now == last {
			return now, nil
		}
		last = now
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return now, context.Cause(ctx)
		}
	}
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		for _, stuck := range []bool{false, true} {
			if err := compute(ctx, stuck); err != nil {
				return err
			}
		}
		return nil
	})
}

func compute(ctx context.Context, stuck bool) error {
	steps, err := shared.NewValue(0)
	if err != nil {
		return err
	}
	defer steps.Close()
	watchdog, err := watch.Start(ctx, steps, mapreduce.Daemon(), mapreduce.Name("watchdog"))
	if err != nil {
		return err
	}
	worker, err := factorial.Start(ctx, computation{3000, stuck, steps}, mapreduce.Name("worker"))
	if err != nil {
		return err
	}
	ready, err := mapreduce.WaitAny[mapreduce.Waiter](ctx, worker, watchdog)
	if err != nil {
		return err
	}
	if ready[0] == 0 {
		digits, err := worker.Wait()
		fmt.Println("3000! has", digits, "digits; steps:", steps.Load())
		_ = watchdog.Terminate() // an error means that it has ended, too
		<-watchdog.Done()
		return err
	}
	beats, err := watchdog.Wait()
	fmt.Println("no heartbeat after", beats, "steps: killed")
	_ = worker.Kill()
	<-worker.Done()
	return err
}

// Output:
// 3000! has 9131 digits; steps: 3000
// no heartbeat after 1500 steps: killed
