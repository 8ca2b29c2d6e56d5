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

// startup says how to measure a pool that is made for one call, or a process that runs one task.
type startup struct {
	Framework string // pool or process
	Procs     int    // of the pool
	Repeat    int
	Spares    int // processes to start ahead
}

func startupCommand(ctx context.Context, words []string, out io.Writer) error {
	procs, repeat, spares := int64(2), int64(9), int64(0)
	asJSON := false
	framework := "pool"
	args, err := jobs.ParseFlags("mrrun bench startup", words, func(f *jobs.Flags) {
		f.String(&framework, "framework", "NAME", "pool, or process: one that runs a task")
		f.Count(&procs, "procs", "", 1, mapreduce.MaxProcs, "worker processes")
		f.Count(&repeat, "repeat", "", 1, 1000, "runs")
		f.Count(&spares, "spares", "", 0, mapreduce.MaxProcs, "processes that are started ahead, and ready when a run begins")
		f.Bool(&asJSON, "json", "print a JSON object")
	})
	if errors.Is(err, pflag.ErrHelp) {
		_, err := io.WriteString(out, help)
		return err
	}
	if err == nil && len(args) > 0 {
		err = jobs.Usagef("bench startup takes only flags, no arguments such as %q (see mrrun bench --help)", args[0])
	}
	if err == nil && framework != "pool" && framework != "process" {
		err = jobs.Usagef("--framework %s: it takes pool or process (see mrrun bench --help)", framework)
	}
	if err != nil {
		return err
	}
	if framework == "process" {
		procs = 1
	}
	f, err := startup{framework, int(procs), int(repeat), int(spares)}.measure(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return writeLines(out, []figure{f})
	}
	what := fmt.Sprintf("a pool of %d to first results and close", f.Procs)
	if framework == "process" {
		what = "a process, start and wait"
	}
	_, err = fmt.Fprintf(out, "%s: %.2f ms (%d runs); check: %s\n", what, 1e3*f.Seconds, len(f.All), f.Check)
	return err
}

// measure makes a pool, computes something in each worker and closes the pool, or starts a process
// and waits for it. The first run does not count.
func (s startup) measure(ctx context.Context) (figure, error) {
	var seconds []float64
	equal := true
	for run := range s.Repeat + 1 {
		if s.Spares > 0 {
			time.Sleep(sparePause)
		}
		began := time.Now()
		ok, err := s.once(ctx)
		if err != nil {
			return figure{}, err
		}
		if run > 0 {
			seconds = append(seconds, time.Since(began).Seconds())
		}
		equal = equal && ok
	}
	f := newFigure("startup", s.Procs, 1, 1, seconds, equal)
	if s.Framework == "process" {
		f.Framework = "mrrun-process"
	}
	return f, nil
}

// sparePause is long enough for the processes that are started ahead to become ready.
const sparePause = 20 * time.Millisecond

func (s startup) once(ctx context.Context) (equal bool, err error) {
	if s.Framework == "process" {
		return s.process(ctx)
	}
	return s.pool(ctx)
}

func (s startup) process(ctx context.Context) (equal bool, err error) {
	p, err := noop.Start(ctx, 7, mapreduce.Spares(s.Spares))
	if err != nil {
		return false, err
	}
	got, err := p.Wait()
	return got == 7, err
}

func (s startup) pool(ctx context.Context) (equal bool, err error) {
	pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(s.Procs))
	if err != nil {
		return false, err
	}
	defer pool.Close()
	o := overhead{Mode: "map"}
	args := make([]int, s.Procs)
	for i := range args {
		args[i] = i
	}
	equal, err = o.once(ctx, pool, args)
	return equal, errors.Join(err, pool.Close())
}
