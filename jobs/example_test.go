package jobs_test

import (
	"context"
	"os"

	"mrrun/jobs"
	"mrrun/mapreduce"
)

var sumSquares = mapreduce.Func(func(s jobs.Span) (sum int64) {
	for n := s.From; n < s.To; n++ {
		sum += n * n
	}
	return sum
})

// A job that adds squares. A program would register it, and call Main.
func ExampleCommand() {
	command := jobs.Command{
		Name: "squares", Summary: "Add the squares below a number.", Example: "-n 100",
		New: func(flags *jobs.Flags) jobs.Work {
			below := int64(10)
			flags.Count(&below, "below", "n", 0, 1e6, "add the squares of the numbers below N")
			return jobs.FoldFunc(jobs.Range(&below, 1000), sumSquares, func(sum, n int64) int64 { return sum + n })
		},
	}
	line, err := jobs.NewLine("squares", command, []string{"-n", "100"}, func(*jobs.Flags) {})
	if err != nil {
		panic(err)
	}
	run, err := line.Run(context.Background(), jobs.DefaultRunning())
	if err != nil {
		panic(err)
	}
	if err := run.Show(os.Stdout); err != nil {
		panic(err)
	}
	// Output: 328350
}
