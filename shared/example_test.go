//go:build linux

package shared_test

import (
	"context"
	"fmt"
	"sync"

	"mrrun/shared"
)

func ExampleLock() {
	l, err := shared.NewLock()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	if err := l.Lock(context.Background()); err != nil {
		l.MarkConsistent() // after repairing what the dead process left
	}
	l.Unlock()
	// Output:
}

func ExampleSemaphore() {
	s, err := shared.NewBoundedSemaphore(2, shared.Tracked())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	_ = s.Acquire(context.Background())
	fmt.Println(s.Value(), "left")
	_ = s.Release()
	fmt.Println(s.Release())
	// Output:
	// 1 left
	// release a Semaphore: it was released more often than acquired
}

func ExampleEvent() {
	e, err := shared.NewEvent()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	go e.Set()
	fmt.Println(e.Wait(context.Background()), e.IsSet())
	// Output: <nil> true
}

func ExampleBarrier() {
	b, err := shared.NewBarrier(3)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	var wg sync.WaitGroup
	for range b.Parties() {
		wg.Go(func() {
			_, _ = b.WaitAction(context.Background(), func() { fmt.Println("all have come") })
		})
	}
	wg.Wait()
	// Output: all have come
}

func ExampleCond() {
	l, err := shared.NewLock()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	c, err := shared.NewCond(l)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	ready := false
	go func() {
		_ = l.Lock(context.Background())
		ready = true
		c.Broadcast()
		l.Unlock()
	}()
	_ = l.Lock(context.Background())
	err = c.WaitFor(context.Background(), func() bool { return ready })
	fmt.Println(err, ready)
	l.Unlock()
	// Output: <nil> true
}

func ExampleRLock() {
	l, err := shared.NewRLock()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	ctx := shared.WithHolder(context.Background())
	_ = l.Lock(ctx)
	_ = l.Lock(ctx)
	ok, _ := l.TryLock(shared.WithHolder(ctx))
	fmt.Println(ok, l.Unlock(ctx), l.Unlock(ctx))
	fmt.Println(l.Unlock(ctx))
	// Output:
	// false <nil> <nil>
	// unlock an RLock: it was released more often than acquired
}
