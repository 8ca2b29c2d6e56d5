package manager_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"mrrun/mapreduce/manager"
	"mrrun/shared"
)

// nothing is the repair of these examples, which have nothing to repair when a client dies that
// holds a lock.
var nothing = shared.Repair(func() error { return nil })

// An RLock may be taken again by the client that holds it.
func ExampleRLock() {
	with(func(ctx context.Context, m *manager.Manager) {
		l := must(manager.NewRLock(ctx, m))
		fmt.Println(l.Do(ctx, func() error {
			return l.Do(ctx, func() error {
				fmt.Println("held twice")
				return nil
			}, nothing)
		}, nothing))
		fmt.Println(errors.Is(l.Unlock(ctx), manager.ErrNotHeld))
	})
	// Output:
	// held twice
	// <nil>
	// true
}

func ExampleSemaphore() {
	with(func(ctx context.Context, m *manager.Manager) {
		s := must(manager.NewBoundedSemaphore(ctx, m, 2))
		fmt.Println(s.Acquire(ctx))
		fmt.Println(s.Value(ctx))
		fmt.Println(s.Release(), errors.Is(s.Release(), shared.ErrReleased))
	})
	// Output:
	// <nil>
	// 1 <nil>
	// <nil> true
}

func ExampleEvent() {
	with(func(ctx context.Context, m *manager.Manager) {
		e := must(manager.NewEvent(ctx, m))
		var waiting sync.WaitGroup
		waiting.Go(func() { fmt.Println(e.Wait(ctx)) })
		if err := e.Set(ctx); err != nil {
			panic(err)
		}
		waiting.Wait()
	})
	// Output: <nil>
}

func ExampleCond() {
	with(func(ctx context.Context, m *manager.Manager) {
		lock := must(manager.NewLock(ctx, m))
		changed := must(manager.NewCond(ctx, lock))
		ready := must(manager.NewValue(ctx, m, false))
		go func() {
			err := lock.Do(ctx, func() error { return errors.Join(ready.Store(ctx, true), changed.Broadcast(ctx)) }, nothing)
			if err != nil {
				panic(err)
			}
		}()
		fmt.Println(lock.Do(ctx, func() error {
			return changed.WaitFor(ctx, func() bool { return must(ready.Load(ctx)) }, nothing)
		}, nothing))
	})
	// Output: <nil>
}

// Those that wait go on together when all have come.
func ExampleBarrier() {
	with(func(ctx context.Context, m *manager.Manager) {
		b := must(manager.NewBarrier(ctx, m, 2))
		var places [2]bool
		var all sync.WaitGroup
		for range places {
			all.Go(func() { places[must(b.Wait(ctx))] = true })
		}
		all.Wait()
		fmt.Println(places)
	})
	// Output: [true true]
}
