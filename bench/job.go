package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"mrrun/jobs"
	"mrrun/mapreduce"
)

// jobFlags are the flags of bench JOB besides those of the job.
type jobFlags struct {
	procs     string // empty: 1, 2, ... as many as there are processors
	chunksize int64
	repeat    int64
	json      bool
	peers     bool
	exports   []string
	against   string
}

func (o *jobFlags) bind(f *jobs.Flags) {
	f.String(&o.procs, "procs", "N,N,...", "numbers of worker processes to compare; by default up to the number of processors")
	f.Count(&o.chunksize, "chunksize", "", 0, 1e9, "pieces of the work to send at once; 0 = automatic")
	f.Count(&o.repeat, "repeat", "", 1, 1000, "rounds, in each of which each way runs once")
	f.Bool(&o.peers, "peers", "run the counterparts in Python (multiprocessing) and C, too, where they are installed")
	f.List(&o.exports, "export", "FILE", "write the figures to FILE, as its name says: .json, .csv, .md, .svg or .html; may be repeated")
	f.String(&o.against, "against", "FILE", "compare with the figures that --export has written to FILE.json")
	f.Bool(&o.json, "json", "print a JSON object a line")
}

func jobCommand(ctx context.Context, c jobs.Command, words []string, out io.Writer) error {
	o := jobFlags{repeat: 10}
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
	var old *report
	if o.against != "" {
		if old, err = readReport(o.against); err != nil {
			return err
		}
		if old.Job != c.Name {
			return jobs.Usagef("--against %s: it has the figures of %s, not of %s", o.against, old.Job, c.Name)
		}
	}
	if err := checkExports(o.exports); err != nil {
		return err
	}
	ways := waysOf(line, procs, o.chunksize)
	if o.peers {
		peers, done, err := peersOf(ctx, c.Name, line, procs)
		if err != nil {
			return err
		}
		defer done()
		ways = append(ways, peers...)
	}
	r := newReport(c.Name, words, runtime.GOMAXPROCS(0))
	interrupted := r.measure(ctx, ways, int(o.repeat), newProgress(os.Stderr))
	if interrupted != nil && r.Rounds == 0 {
		return interrupted
	}
	r.conclude(old)
	if o.json {
		err = writeLines(out, r.figures(int(o.chunksize)))
	} else {
		err = r.writeText(out, o.exports)
	}
	if err == nil {
		err = r.export(o.exports)
	}
	if err == nil && !r.Equal {
		err = fmt.Errorf("bench: the results of %s differ between runs", c.Name)
	}
	return errors.Join(err, interrupted)
}

// parseProcs reads a list of numbers; an empty one stands for 1, 2, 3, 4, and from there on powers
// of two, up to the number of processors.
func parseProcs(list string) (procs []int, err error) {
	if list == "" {
		cpus := int(jobs.DefaultRunning().Procs)
		for n := 1; n < cpus; {
			procs = append(procs, n)
			if n < 4 {
				n++
			} else {
				n *= 2
			}
		}
		return append(procs, cpus), nil
	}
	for part := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > mapreduce.MaxProcs {
			return nil, jobs.Usagef("--procs %s: it takes whole numbers from 1 to %d, such as 1,2,4 (see mrrun bench --help)", list, mapreduce.MaxProcs)
		}
		if !slices.Contains(procs, n) {
			procs = append(procs, n)
		}
	}
	return procs, nil
}

// A way is one of those that are compared.
type way struct {
	Name  string // loop, goroutines, procs, python or c
	Procs int
	run   func(ctx context.Context) (sample, error)
}

// A sample is one run.
type sample struct {
	seconds, start, wait float64
	memory               int64
	result               string
	items                int64
}

// waysOf returns the ways to run a job: in a loop, in goroutines, and in processes.
func waysOf(line *jobs.Line, procs []int, chunksize int64) (all []way) {
	add := func(name, start string, n int) {
		all = append(all, way{name, n, func(ctx context.Context) (sample, error) { return runJob(ctx, line, start, n, chunksize) }})
	}
	most := slices.Max(procs)
	if line.HasLoop() {
		add("loop", jobs.Loop, 1)
	} else {
		add("goroutines", jobs.Goroutines, 1)
	}
	if most > 1 {
		add("goroutines", jobs.Goroutines, most)
	}
	for _, n := range procs {
		add("procs", "exec", n)
	}
	return all
}

func runJob(ctx context.Context, line *jobs.Line, start string, procs int, chunksize int64) (sample, error) {
	running := jobs.DefaultRunning()
	running.Start, running.Procs, running.Chunksize = start, int64(procs), chunksize
	debug.FreeOSMemory() // what the run before has left is not this one's
	forgetPeak()
	run, err := line.Run(ctx, running)
	if err != nil {
		return sample{}, err
	}
	var text strings.Builder
	if err := run.Show(&text); err != nil {
		return sample{}, err
	}
	return sample{seconds: run.Seconds, start: run.Startup.Seconds(), wait: run.Waiting, memory: run.Memory + peakMemory(),
		result: text.String(), items: run.Units()}, nil
}
