// Command pipesquares starts a process that squares the numbers it receives from a pipe, and sends
// the squares back. When this end of the pipe is closed, the process receives io.EOF and ends.
//
// In Python it is a Pipe() and a Process whose recv() raises EOFError at the end: but only if that
// process has also closed the parent's end, which it inherited. Here a process has only what it was
// given.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"mrrun/mapreduce"
	"mrrun/transport"
)

// square returns how many numbers it squared.
var square = mapreduce.FuncContext(func(_ context.Context, end *transport.PipeEnd[int]) (squared int, err error) {
	defer end.Close()
	for {
		n, err := end.Recv()
		if errors.Is(err, io.EOF) {
			return squared, nil
		}
		if err != nil {
			return squared, err
		}
		if err := end.Send(n * n); err != nil {
			return squared, err
		}
		squared++
	}
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		here, there, err := transport.Pipe[int]()
		if err != nil {
			return err
		}
		defer here.Close()
		defer there.Close()
		p, err := square.Start(ctx, there, mapreduce.Name("squarer"))
		if err != nil {
			return err
		}
		for n := range 5 {
			if err := here.Send(n); err != nil {
				return err
			}
			square, err := here.Recv()
			if err != nil {
				return err
			}
			fmt.Println(n, square)
			there.Close() // the process has it: from now on Recv would notice if it died
		}
		if err := here.Close(); err != nil {
			return err
		}
		squared, err := p.Wait()
		fmt.Println(p.Name(), "has squared", squared, "numbers")
		return err
	})
}

// Output:
// 0 0
// 1 1
// 2 4
// 3 9
// 4 16
// squarer has squared 5 numbers
