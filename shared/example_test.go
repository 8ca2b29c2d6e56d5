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
	left, right := 100, 0 // the lock guards their sum; between processes they are in a shared.Array
	err = l.Do(context.Background(), func() error {
		left -= 30
		right += 30
		return nil
	}, shared.Repair(func() error { // a process was killed while it held the lock, perhaps between the two lines
		right = 100 - left
		return nil
	}))
	fmt.Println(left, right, err)
	// Output: 70 30 <nil>
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
	ctx := context.Background()
	repair := shared.Repair(func() error { return nil }) // ready is whole at any time
	go func() {
		_ = l.Do(ctx, func() error {
			ready = true
			c.Broadcast()
			return nil
		}, repair)
	}()
	err = l.Do(ctx, func() error {
		return c.WaitFor(ctx, func() bool { return ready }, repair)
	}, repair)
	fmt.Println(err, ready)
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
	nothing := shared.Repair(func() error { return nil })
	fmt.Println(l.Do(ctx, func() error {
		return l.Do(ctx, func() error {
			fmt.Println("held twice")
			return nil
		}, nothing)
	}, nothing))
	fmt.Println(l.Unlock(ctx))
	// Output:
	// held twice
	// <nil>
	// unlock an RLock: it was released more often than acquired
}
