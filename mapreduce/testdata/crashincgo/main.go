// Command crashincgo has an item crash in C code, and prints its error; with the argument whole,
// all that the runtime said.
package main

// static void crash(void) { *(volatile int *)8 = 1; }
import "C"

import (
	"context"
	"errors"
	"fmt"
	"os"

	"mrrun/mapreduce"
)

var crash = mapreduce.Func(func(int) int {
	C.crash()
	return 0
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		p, err := mapreduce.NewPool(ctx, mapreduce.Procs(1), mapreduce.Retries(0))
		if err != nil {
			return err
		}
		defer p.Close()
		_, err = crash.Apply(ctx, p, 1)
		if lost, ok := errors.AsType[*mapreduce.WorkerLostError](err); ok && len(os.Args) > 1 {
			fmt.Println(lost.Stderr)
		} else {
			fmt.Println(err)
		}
		return nil
	})
}
