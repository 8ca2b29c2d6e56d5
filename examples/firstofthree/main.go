// Command firstofthree runs three processes that look for the same thing, each in its own way,
// takes what the first one finds and kills the others.
//
// In Python it is three Processes, connection.wait() on their sentinels, and terminate().
package main

import (
	"context"
	"fmt"
	"time"

	"mrrun/mapreduce"
)

// A way is how a process searches.
type way struct {
	Name string
	Nap  time.Duration // the time that each step takes
}

// root returns the least n with n² ≥ 1,000,000, unless it is killed before.
var root = mapreduce.Func(func(w way) string {
	n := 0
	for ; n*n < 1_000_000; n++ {
		time.Sleep(w.Nap)
	}
	return fmt.Sprintf("the %s one found %d", w.Name, n)
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		var all []*mapreduce.Process[string]
		for _, w := range []way{{"slow", time.Second}, {"quick", 0}, {"sleepy", time.Minute}} {
			p, err := root.Start(ctx, w, mapreduce.Name(w.Name))
			if err != nil {
				return err
			}
			all = append(all, p)
		}
		ready, err := mapreduce.WaitAny(ctx, all...)
		if err != nil {
			return err
		}
		fmt.Println("ready:", ready)
		found, err := all[ready[0]].Wait()
		fmt.Println(found)

		for _, p := range all {
			_ = p.Kill() // an error means that it has ended already
		}
		for _, p := range all {
			<-p.Done()
			code, _ := p.ExitCode()
			fmt.Println(p.Name(), "ended with", code)
		}
		return err
	})
}

// Output:
// ready: [1]
// the quick one found 1000
// slow ended with -9
// quick ended with 0
// sleepy ended with -9
