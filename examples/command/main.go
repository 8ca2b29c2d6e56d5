// Command command runs another program, sed, in its workers and gives it a line for each item: any
// program that answers each line with a line can be a task.
//
// In Python it is a subprocess.Popen with pipes in each worker of a Pool.
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
)

// rot13 starts once in each worker. With -u, sed answers at once instead of collecting answers.
var rot13 = mapreduce.Command("sed", "-u", "y/abcdefghijklmnopqrstuvwxyz/nopqrstuvwxyzabcdefghijklm/")

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(2))
		if err != nil {
			return err
		}
		defer pool.Close()

		secret, err := rot13.Map(ctx, pool, []string{"processes", "for", "gophers"})
		if err != nil {
			return err
		}
		plain, err := rot13.Map(ctx, pool, secret)
		fmt.Println(secret, plain)
		return err
	})
}

// Output:
// [cebprffrf sbe tbcuref] [processes for gophers]
