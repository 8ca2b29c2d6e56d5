package remote_test

import (
	"context"
	"fmt"

	"mrrun/mapreduce/manager"
	"mrrun/mapreduce/manager/remote"
)

// Clients on other machines need the address and the key.
func ExampleListen() {
	ctx, cancel := context.WithCancel(context.Background())
	key := remote.NewKey()
	l, err := remote.Listen("tcp", "127.0.0.1:0", key)
	if err != nil {
		panic(err)
	}
	done := make(chan error)
	go func() { done <- manager.Serve(ctx, l) }()

	c, err := remote.Dial(ctx, "tcp", l.Addr().String(), key)
	if err != nil {
		panic(err)
	}
	v, err := manager.NewValue(ctx, c, 41)
	if err != nil {
		panic(err)
	}
	fmt.Println(v.Add(ctx, 1))
	_ = c.Close()
	cancel()
	fmt.Println(<-done)
	// Output:
	// 42 <nil>
	// <nil>
}
