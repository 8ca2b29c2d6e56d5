package mapreduce

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"mrrun/internal/faulty"
)

// faultyPipes puts the plan's fault into the pipes of all workers: the driver's ends, and with
// [InProcess] the workers'.
func faultyPipes(plan *faulty.Plan) PoolOption {
	return poolFunc(func(o *poolOptions) error {
		o.wrap = wrapping{plan.Reader, plan.Writer}
		return nil
	})
}

// Every read and write of driver and worker fails once: either the result is right or there is an
// error, and nothing hangs.
func TestEveryOperationFailsOnce(t *testing.T) {
	args := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	for _, workers := range []struct {
		name    string
		options []PoolOption
	}{
		{"processes", nil},
		{"in process", []PoolOption{InProcess()}},
	} {
		for _, fault := range []faulty.Fault{faulty.Fail, faulty.Cut, faulty.Delay} {
			t.Run(fmt.Sprint(workers.name, "/", fault), func(t *testing.T) {
				right := 0
				n := 1
				for ; n < 500; n++ {
					plan := faulty.NewPlan(n, fault)
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
					got, err := mapOnce(ctx, args, append(workers.options, faultyPipes(plan), Procs(2))...)
					if ctx.Err() != nil {
						t.Fatalf("operation %d: it hung, and ended with %v", n, err)
					}
					cancel()
					if err == nil {
						if right++; !slices.Equal(got, args) {
							t.Fatalf("operation %d: got %v and no error", n, got)
						}
					}
					if !plan.Fired() {
						break
					}
				}
				t.Logf("%d operations, %d of the runs gave the right result, the others an error", n-1, right)
				if right < n/2 {
					t.Errorf("only %d of %d runs gave the right result", right, n)
				}
			})
		}
	}
}

func mapOnce(ctx context.Context, args []int, options ...PoolOption) ([]int, error) {
	p, err := NewPool(ctx, options...)
	if err != nil {
		return nil, err
	}
	got, err := echo.Map(ctx, p, args, Chunksize(3))
	if cerr := p.Close(); err == nil {
		err = cerr
	}
	return got, err
}
