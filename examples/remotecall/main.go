// Command remotecall is two programs in one: a server that offers functions, and a client that
// calls them over TCP as if they were its own. The server starts the client here, but it could be
// started anywhere. Only a client with the key can connect: it reads the key from standard input,
// since anyone can see a program's arguments.
//
// In Python it is a BaseManager(address, authkey) with register("factorial", factorial), and
// another that calls connect().
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"

	"mrrun/mapreduce"
	"mrrun/mapreduce/manager"
	"mrrun/mapreduce/manager/remote"
)

// The functions run in the server; both programs contain them, so that calls have types.
var (
	factorial = manager.Func("factorial", func(_ context.Context, n int64) (*big.Int, error) {
		if n < 0 {
			return nil, fmt.Errorf("%d has no factorial", n)
		}
		return new(big.Int).MulRange(1, n), nil
	})
	pid = manager.Func("pid", func(context.Context, struct{}) (int, error) { return os.Getpid(), nil })
)

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		if len(os.Args) > 1 {
			return call(ctx, os.Args[1])
		}
		return serve(ctx)
	})
}

// serve serves until the client has ended.
func serve(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	key := remote.NewKey()
	l, err := remote.Listen("tcp", "127.0.0.1:0", key) // a free port
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- manager.Serve(ctx, l) }()

	client := exec.CommandContext(ctx, self, l.Addr().String())
	client.Stdin, client.Stdout, client.Stderr = bytes.NewReader(key), os.Stdout, os.Stderr
	err = client.Run()
	stop()
	return errors.Join(err, <-served)
}

// call is the client.
func call(ctx context.Context, address string) error {
	key, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	server, err := remote.Dial(ctx, "tcp", address, key)
	if err != nil {
		return err
	}
	defer server.Close()

	where, err := pid.Call(ctx, server, struct{}{})
	if err != nil {
		return err
	}
	fmt.Println("it runs in another process:", where != os.Getpid())
	product, err := factorial.Call(ctx, server, 30)
	fmt.Println("30! =", product, err)
	_, err = factorial.Call(ctx, server, -1)
	fmt.Println("-1:", err)
	return nil
}

// Output:
// it runs in another process: true
// 30! = 265252859812191058636308480000000 <nil>
// -1: manager: factorial: -1 has no factorial
