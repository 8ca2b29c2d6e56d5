// Command pigoroutines computes pi by the series 4 - 4/3 + 4/5 - …, in goroutines: compare the
// example pishared. For work that is plain Go and never misbehaves, goroutines are enough, and
// fastest.
//
// In Python it is four threading.Threads, which the global interpreter lock lets run one at a time.
package main

import (
	"fmt"
	"sync"
)

const terms, parts = 4_000_000, 4

func sum(first, end int) float64 {
	sum := 0.0
	for k := first; k < end; k++ {
		sum += float64(4-k%2*8) / float64(2*k+1)
	}
	return sum
}

func main() {
	var sums [parts]float64 // each goroutine writes to its own element
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() { sums[i] = sum(i*terms/parts, (i+1)*terms/parts) })
	}
	all.Wait()

	pi := 0.0
	for _, s := range sums {
		pi += s
	}
	fmt.Println(pi)
}

// Output:
// 3.141592403589774
