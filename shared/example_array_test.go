package shared_test

import (
	"context"
	"fmt"
	"log"

	"mrrun/shared"
)

func ExampleValue() {
	done, err := shared.NewValue(0)
	if err != nil {
		log.Fatal(err)
	}
	defer done.Close()
	// In every process that it is sent to, it is the same number.
	done.Add(1)
	done.Add(2)
	fmt.Println(done.Load())
	// Output: 3
}

// An update other than a sum takes a loop: compute the new number from the old one, and try again
// if another process was faster.
func ExampleValue_CompareAndSwap() {
	most, err := shared.NewValue(40)
	if err != nil {
		log.Fatal(err)
	}
	defer most.Close()
	atLeast := func(n int) {
		for old := most.Load(); old < n; old = most.Load() {
			if most.CompareAndSwap(old, n) {
				return
			}
		}
	}
	atLeast(42)
	atLeast(41)
	fmt.Println(most.Load())
	// Output: 42
}

func ExampleValue_Lock() {
	best, err := shared.NewValue(12.5)
	if err != nil {
		log.Fatal(err)
	}
	defer best.Close()
	err = best.Lock().Do(context.Background(), func() error {
		if v := 11.25; v < best.Load() {
			best.Store(v)
		}
		return nil
	}, func() error { return nil }) // a single number is whole whenever a process is killed
	fmt.Println(best.Load(), err)
	// Output: 11.25 <nil>
}

func ExampleArray() {
	type particle struct{ X, V float64 }
	all, err := shared.NewArray[particle](1_000_000)
	if err != nil {
		log.Fatal(err)
	}
	defer all.Close()
	// Each worker gets a part of the array as an argument of its task, and works on it in place.
	part := all.Sub(250_000, 500_000)
	for i := range part.Slice() {
		part.Slice()[i].V = 2
	}
	fmt.Println(all.At(249_999), all.At(250_000))
	// Output: {0 0} {0 2}
}

func ExampleArrayOf() {
	raw, err := shared.ArrayOf([]byte("raw memory"))
	if err != nil {
		log.Fatal(err)
	}
	defer raw.Close()
	fmt.Printf("%s\n", raw.Sub(4, raw.Len()).Slice())
	// Output: memory
}

func ExampleCreate() {
	grid, err := shared.Create[float32]("temperatures", 100)
	if err != nil {
		log.Fatal(err)
	}
	defer grid.Close()
	grid.Set(42, 36.5)

	// In any other process of the tree:
	same, err := shared.Attach[float32]("temperatures")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(same.Len(), same.At(42))
	if err := same.Close(); err != nil {
		log.Fatal(err)
	}
	// Output: 100 36.5
}
