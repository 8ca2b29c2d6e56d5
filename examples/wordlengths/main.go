// Command wordlengths counts the words of some lines by their length: a keyed job, which runs in
// workers, maps each line to pairs of a length and a one, and adds them up by length.
//
// In Python it is a mapper for a Pool.map, and a dict in which the parent adds up what the workers
// return.
package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mrrun/mapreduce"
)

// A lengthCount is the job. Its fields are its parameters, which travel to the workers.
type lengthCount struct {
	AtLeast int // shorter words do not count
}

// Map emits a pair for each word of a line.
func (c lengthCount) Map(_ context.Context, line string, emit func(length, n int)) error {
	for word := range strings.FieldsSeq(line) {
		if len(word) >= c.AtLeast {
			emit(len(word), 1)
		}
	}
	return nil
}

// Combine merges two values of the same key.
func (lengthCount) Combine(a, b int) int { return a + b }

var lengths = mapreduce.NewJob[lengthCount]("wordlengths")

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(2))
		if err != nil {
			return err
		}
		defer pool.Close()

		counts, err := lengths.Run(ctx, pool, lengthCount{AtLeast: 3}, []string{
			"the quick brown fox",
			"jumps over",
			"the lazy dog",
		})
		if err != nil {
			return err
		}
		for _, length := range slices.Sorted(maps.Keys(counts)) {
			fmt.Printf("%d words of %d letters\n", counts[length], length)
		}
		return nil
	})
}

// Output:
// 4 words of 3 letters
// 2 words of 4 letters
// 3 words of 5 letters
