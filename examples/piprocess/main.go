// Command piprocess computes pi by the series 4 - 4/3 + 4/5 - …: three processes sum a part each,
// and the driver, which would otherwise only wait, sums the last part.
//
// In Python it is Process(target=myPi, args=(m, n)) for each part, and a myPi(m, n) between start()
// and join(). A Process has no result there: each prints its part.
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
)

const terms, parts = 4_000_000, 4

// A span is the terms from First up to End, without End.
type span struct{ First, End int }

// sum is what all processes compute, including this one; sumTask runs it in another.
func sum(s span) float64 {
	sum := 0.0
	for k := s.First; k < s.End; k++ {
		sum += float64(4-k%2*8) / float64(2*k+1)
	}
	return sum
}

var sumTask = mapreduce.Func(sum)

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		var all []*mapreduce.Process[float64]
		for i := range parts - 1 {
			p, err := sumTask.Start(ctx, span{i * terms / parts, (i + 1) * terms / parts})
			if err != nil {
				return err
			}
			all = append(all, p)
		}
		last := sum(span{(parts - 1) * terms / parts, terms})

		pi := 0.0
		for _, p := range all {
			part, err := p.Wait()
			if err != nil {
				return err
			}
			fmt.Printf("%s: %.10f\n", p.Name(), part)
			pi += part
		}
		fmt.Printf("this one: %.10f\n", last)
		fmt.Println(pi + last)
		return nil
	})
}

// Output:
// Process-1: 3.1415916536
// Process-2: 0.0000005000
// Process-3: 0.0000001667
// this one: 0.0000000833
// 3.141592403589774
