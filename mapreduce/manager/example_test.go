package manager_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"mrrun/mapreduce"
	"mrrun/mapreduce/manager"
)

func ExampleManager() {
	ctx := context.Background()
	m, err := manager.Start(ctx)
	if err != nil {
		panic(err)
	}
	defer m.Close()
	scores, err := manager.NewDict[string, int](ctx, m, manager.Named("scores"))
	if err != nil {
		panic(err)
	}
	if err := scores.Set(ctx, "ann", 3); err != nil {
		panic(err)
	}
	other, err := manager.Dial(ctx, m.Address()) // as another process would
	if err != nil {
		panic(err)
	}
	defer other.Close()
	same, err := manager.NewDict[string, int](ctx, other, manager.Named("scores"))
	if err != nil {
		panic(err)
	}
	fmt.Println(same.Get(ctx, "ann"))
	// Output: 3 true <nil>
}

// with calls f with a manager, which it closes afterwards.
func with(f func(ctx context.Context, m *manager.Manager)) {
	ctx := context.Background()
	m := must(manager.Start(ctx))
	defer m.Close()
	f(ctx, m)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Add is atomic on the manager: no change is lost between getting and setting.
func ExampleDict() {
	with(func(ctx context.Context, m *manager.Manager) {
		counts := must(manager.NewDict[string, int](ctx, m))
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := counts.Add(ctx, "n", 1); err != nil {
					panic(err)
				}
			})
		}
		all.Wait()
		fmt.Println(counts.Items(ctx))
	})
	// Output: map[n:100] <nil>
}

func ExampleLock() {
	with(func(ctx context.Context, m *manager.Manager) {
		lock := must(manager.NewLock(ctx, m))
		err := lock.Do(ctx, func() error {
			fmt.Println("alone")
			return nil
		}, nothing)
		fmt.Println(err)
	})
	// Output:
	// alone
	// <nil>
}

func ExampleQueue() {
	with(func(ctx context.Context, m *manager.Manager) {
		q := must(manager.NewQueue[string](ctx, m, 10))
		for _, s := range []string{"a", "b"} {
			if err := q.Put(ctx, s); err != nil {
				panic(err)
			}
		}
		if err := q.Close(); err != nil {
			panic(err)
		}
		for s, err := range q.All(ctx) {
			fmt.Println(s, err)
		}
	})
	// Output:
	// a <nil>
	// b <nil>
}

// A Greeter is any type with methods.
type Greeter struct{ Greeting string }

func (g *Greeter) Greet(name string) string { return g.Greeting + ", " + name }

var greeters = manager.Register("greeter", func() *Greeter { return &Greeter{"hello"} })

func ExampleCall() {
	with(func(ctx context.Context, m *manager.Manager) {
		g := must(greeters.New(ctx, m))
		fmt.Println(manager.Call[string](ctx, g, "Greet", "ann"))
		if _, err := manager.Call[struct{}](ctx, g, "Set", "Greeting", "good day"); err != nil {
			panic(err)
		}
		fmt.Println(manager.Call[string](ctx, g, "Greet", "ann"))
	})
	// Output:
	// hello, ann <nil>
	// good day, ann <nil>
}

var add = manager.Func("add", func(_ context.Context, n [2]int) (int, error) { return n[0] + n[1], nil })

func ExampleFunc() {
	with(func(ctx context.Context, m *manager.Manager) {
		fmt.Println(add.Call(ctx, m, [2]int{3, 4}))
	})
	// Output: 7 <nil>
}

var (
	square       = mapreduce.Func(func(n int) int { return n * n })
	remoteSquare = manager.PoolTask("square", square)
)

// The workers are children of the manager's process, on whatever machine that runs.
func ExamplePool() {
	with(func(ctx context.Context, m *manager.Manager) {
		pool := must(manager.NewPool(ctx, m, 2))
		defer pool.Close()
		fmt.Println(remoteSquare.Map(ctx, pool, []int{1, 2, 3}))
	})
	// Output: [1 4 9] <nil>
}

func ExampleRemoteTask() {
	with(func(ctx context.Context, m *manager.Manager) {
		pool := must(manager.NewPool(ctx, m, 2))
		defer pool.Close()
		future := remoteSquare.ApplyAsync(ctx, pool, 7)
		for n, err := range remoteSquare.Imap(ctx, pool, slices.Values([]int{1, 2})) {
			fmt.Println(n, err)
		}
		fmt.Println(future.Get(ctx))
	})
	// Output:
	// 1 <nil>
	// 4 <nil>
	// 49 <nil>
}
