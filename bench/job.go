package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"mrrun/jobs"
	"mrrun/mapreduce"
)

// jobFlags are the flags of bench JOB besides those of the job.
type jobFlags struct {
	procs     string
	chunksize int64
	repeat    int64
	json      bool
}

func (o *jobFlags) bind(f *jobs.Flags) {
	f.String(&o.procs, "procs", "N,N,...", "numbers of worker processes to compare")
	f.Count(&o.chunksize, "chunksize", "", 0, 1e9, "pieces of the work to send at once; 0 = automatic")
	f.Count(&o.repeat, "repeat", "", 1, 1000, "runs of each")
	f.Bool(&o.json, "json", "print a JSON object a line")
}

func jobCommand(ctx context.Context, c jobs.Command, words []string, out io.Writer) error {
	o := jobFlags{procs: "1,2", repeat: 5}
	line, err := jobs.NewLine("mrrun bench "+c.Name, c, words, o.bind)
	if errors.Is(err, pflag.ErrHelp) {
		_, err := io.WriteString(out, help)
		return err
	}
	if err != nil {
		return err
	}
	procs, err := parseProcs(o.procs)
	if err != nil {
		return err
	}
	figures, err := measureJob(ctx, c.Name, line, procs, int(o.chunksize), int(o.repeat))
	if err != nil {
		return err
	}
	if o.json {
		err = writeLines(out, figures)
	} else {
		err = writeTable(out, figures)
	}
	if err == nil && figures[0].Check != "equal=True" {
		err = fmt.Errorf("bench: the results of %s differ between runs", c.Name)
	}
	return err
}

func parseProcs(list string) ([]int, error) {
	var procs []int
	for part := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > mapreduce.MaxProcs {
			return nil, jobs.Usagef("--procs %s: it takes whole numbers from 1 to %d, such as 1,2,4 (see mrrun bench --help)", list, mapreduce.MaxProcs)
		}
		procs = append(procs, n)
	}
	return procs, nil
}

// measureJob runs a job repeat times with each number of processes, after one run that does not
// count. The numbers take turns, so that a change of the machine's speed affects all alike. The
// results of all runs are compared as text.
func measureJob(ctx context.Context, name string, line *jobs.Line, procs []int, chunksize, repeat int) ([]figure, error) {
	seconds, startup := make([][]float64, len(procs)), make([][]float64, len(procs))
	var want string
	var items int64
	equal := true
	for round := range repeat + 1 {
		for i, n := range procs {
			running := jobs.DefaultRunning()
			running.Procs, running.Chunksize = int64(n), int64(chunksize)
			run, err := line.Run(ctx, running)
			if err != nil {
				return nil, err
			}
			var got strings.Builder
			if err := run.Show(&got); err != nil {
				return nil, err
			}
			if want == "" {
				want, items = got.String(), run.Units()
			}
			equal = equal && got.String() == want
			if round > 0 {
				seconds[i] = append(seconds[i], run.Seconds)
				startup[i] = append(startup[i], run.Startup.Seconds())
			}
			if round == 0 && i == 0 {
				break // one warm-up is enough
			}
		}
	}
	figures := make([]figure, len(procs))
	for i, n := range procs {
		f := newFigure(name, n, chunksize, items, seconds[i], equal)
		f.Startup = median(startup[i])
		f.Speedup = median(seconds[0]) / f.Seconds
		f.Efficiency = f.Speedup * float64(procs[0]) / float64(n)
		figures[i] = f
	}
	return figures, nil
}
