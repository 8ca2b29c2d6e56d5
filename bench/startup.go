package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"mrrun/jobs"
	"mrrun/mapreduce"
)

// Startup says how to measure what a pool costs that is made for one call.
type Startup struct {
	Procs  int
	Repeat int
}

func startupCommand(ctx context.Context, words []string, out io.Writer) error {
	procs, repeat := int64(2), int64(9)
	asJSON := false
	args, err := jobs.ParseFlags("mrrun bench startup", words, func(f *jobs.Flags) {
		f.Count(&procs, "procs", "", 1, mapreduce.MaxProcs, "worker processes")
		f.Count(&repeat, "repeat", "", 1, 1000, "runs")
		f.Bool(&asJSON, "json", "print a JSON object")
	})
	if errors.Is(err, pflag.ErrHelp) {
		_, err := io.WriteString(out, help)
		return err
	}
	if err == nil && len(args) > 0 {
		err = jobs.Usagef("bench startup takes no arguments, only flags: what is %q? (see mrrun bench --help)", args[0])
	}
	if err != nil {
		return err
	}
	f, err := Startup{int(procs), int(repeat)}.Measure(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return writeLines(out, []Figure{f})
	}
	_, err = fmt.Fprintf(out, "a pool of %d to first results and close: %.2f ms (%d runs); check: %s\n",
		f.Procs, 1e3*f.Seconds, len(f.All), f.Check)
	return err
}

// Measure makes a pool, has each worker compute something and closes the pool, after one time that does not count.
func (s Startup) Measure(ctx context.Context) (Figure, error) {
	var seconds []float64
	equal := true
	for run := range s.Repeat + 1 {
		began := time.Now()
		ok, err := s.once(ctx)
		if err != nil {
			return Figure{}, err
		}
		if run > 0 {
			seconds = append(seconds, time.Since(began).Seconds())
		}
		equal = equal && ok
	}
	return newFigure("startup", s.Procs, 1, 1, seconds, equal), nil
}

func (s Startup) once(ctx context.Context) (equal bool, err error) {
	pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(s.Procs))
	if err != nil {
		return false, err
	}
	defer pool.Close()
	o := Overhead{Mode: "map"}
	args := make([]int, s.Procs)
	for i := range args {
		args[i] = i
	}
	equal, err = o.once(ctx, pool, args)
	return equal, errors.Join(err, pool.Close())
}
