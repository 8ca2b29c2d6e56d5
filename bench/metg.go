package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"mrrun/jobs"
	"mrrun/mapreduce"
)

// A metg says how to measure METG(50 %), the minimum effective task granularity: how long tasks
// must work for half of the time of all processes to be work, and half overhead. It compares
// frameworks by what they cost while they do something, with all processes busy. The term is of
// Slaughter et al., "Task Bench: A Parameterized Benchmark for Evaluating Parallel Runtime
// Performance" (SC 2020), who count the overhead as part of a task's length: the figure here is the
// work alone, which is half of theirs.
//
// As there, the tasks get shorter until efficiency falls below one half; bisection does the rest.
// The work is a loop, whose speed is measured in the workers themselves, with all of them at it.
type metg struct {
	Procs      int
	Frameworks []string
	Python     string // the interpreter that runs the frameworks of Python
	Repeat     int
}

const (
	efficient   = 0.5
	runTime     = 0.25  // seconds that a run takes at that efficiency
	firstLength = 1e-3  // seconds of work of a task with which the search begins
	leastLength = 10e-9 // the search gives up below this
	mostLength  = 20e-3 // and above this
	precision   = 1.05  // between the ends of the last interval
)

func metgCommand(ctx context.Context, words []string, out io.Writer) error {
	m, asJSON, err := parseMETG(words)
	if errors.Is(err, pflag.ErrHelp) {
		_, err := io.WriteString(out, help)
		return err
	}
	if err != nil {
		return err
	}
	figures, missing, err := m.measure(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return writeLines(out, figures)
	}
	return m.writeTable(out, figures, missing)
}

func parseMETG(words []string) (m metg, asJSON bool, err error) {
	procs, repeat := int64(2), int64(3)
	frameworks, python := "mrrun", "python3"
	args, err := jobs.ParseFlags("mrrun bench metg", words, func(f *jobs.Flags) {
		f.Count(&procs, "procs", "", 1, mapreduce.MaxProcs, "worker processes")
		f.String(&frameworks, "frameworks", "LIST", "which to measure, in turn: "+strings.Join(frameworkNames(), ","))
		f.String(&python, "python", "PATH", "the interpreter that runs those of Python")
		f.Count(&repeat, "repeat", "", 1, 1000, "runs")
		f.Bool(&asJSON, "json", "print JSON objects")
	})
	m = metg{int(procs), strings.Split(frameworks, ","), python, int(repeat)}
	if err == nil && len(args) > 0 {
		err = jobs.Usagef("bench metg takes only flags, no arguments such as %q (see mrrun bench --help)", args[0])
	}
	for _, name := range m.Frameworks {
		if err == nil && !slices.Contains(frameworkNames(), name) {
			err = jobs.Usagef("--frameworks %s: it takes a list of %s (see mrrun bench --help)",
				frameworks, strings.Join(frameworkNames(), ", "))
		}
	}
	return m, asJSON, err
}

// measure searches once for each framework and chunk size, then again from the first, so that all
// see the same machine. missing are the frameworks that are not installed.
func (m metg) measure(ctx context.Context) (figures []figure, missing []string, err error) {
	subjects := m.subjects()
	lengths := make([][]float64, len(subjects))
	for range m.Repeat {
		for i, s := range subjects {
			if slices.Contains(missing, s.framework) {
				continue
			}
			length, err := m.measureOne(ctx, s)
			switch {
			case errors.Is(err, errNotInstalled):
				missing = append(missing, s.framework)
				continue
			case err != nil:
				return nil, nil, fmt.Errorf("bench: METG of %s, chunk size %s: %w", s.framework, sizeName(s.chunksize), err)
			}
			lengths[i] = append(lengths[i], length)
		}
	}
	for i, s := range subjects {
		if len(lengths[i]) > 0 {
			f := newFigure("metg", m.Procs, s.chunksize, 1, lengths[i], true) // each run has checked its results
			f.Framework, f.Efficiency = s.framework, efficient
			figures = append(figures, f)
		}
	}
	return figures, missing, nil
}

func (m metg) measureOne(ctx context.Context, s subject) (length float64, err error) {
	r, err := s.open(ctx)
	if err != nil {
		return 0, err
	}
	length, err = m.search(r)
	if ended := r.close(); err == nil {
		err = ended
	}
	return length, err
}

// search returns the seconds of work with which tasks are efficient, and barely so.
func (m metg) search(r runner) (float64, error) {
	round, err := m.secondsPerRound(r)
	if err != nil {
		return 0, err
	}
	enough := func(length float64) (bool, error) {
		efficiency, err := m.efficiency(r, round, length)
		return efficiency >= efficient, err
	}
	below, above := 0.0, 0.0 // the longest that is not efficient and the shortest that is; 0: none yet
	for length := firstLength; below == 0 || above == 0 || above > below*precision; {
		ok, err := enough(length)
		if err != nil {
			return 0, err
		}
		if ok {
			above = length
		} else {
			below = length
		}
		switch {
		case below == 0:
			length /= 2
		case above == 0:
			length *= 2
		default:
			length = math.Sqrt(below * above)
		}
		if length < leastLength || length > mostLength {
			return 0, fmt.Errorf("half the time is overhead at no length from %g s to %g s", leastLength, mostLength)
		}
	}
	return math.Sqrt(below * above), nil
}

// secondsPerRound measures the loop in tasks that are so long that overhead does not count. The
// least of some runs is the one that nothing else has disturbed.
func (m metg) secondsPerRound(r runner) (float64, error) {
	const longRun, tasksEach, runs = 0.4, 2, 3
	rounds, least := 1000, math.Inf(1)
	for n := 0; n < runs; {
		seconds, err := r.run(m.Procs*tasksEach, rounds)
		switch {
		case err != nil:
			return 0, err
		case seconds < longRun:
			rounds *= 2
		default:
			n++
			least = min(least, seconds/float64(tasksEach*rounds))
		}
	}
	return least, nil
}

// efficiency returns which part of the time of all processes is work, in tasks of that many
// seconds.
func (m metg) efficiency(r runner, round, length float64) (float64, error) {
	procs := float64(m.Procs)
	rounds := max(1, math.Round(length/round))
	tasks := max(4*procs, math.Ceil(procs*runTime*efficient/length))
	seconds, err := r.run(int(tasks), int(rounds))
	return tasks * rounds * round / (procs * seconds), err
}

func (m metg) writeTable(out io.Writer, figures []figure, missing []string) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "framework\tchunk size\tMETG(50 %%)\tleast\tmost\t\n")
	for _, f := range figures {
		fmt.Fprintf(t, "%s\t%s\t%.2f µs\t%.2f µs\t%.2f µs\t\n", f.Framework, sizeName(f.Chunksize),
			1e6*f.Seconds, 1e6*slices.Min(f.All), 1e6*slices.Max(f.All))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	note := ""
	if len(missing) > 0 {
		note = fmt.Sprintf("; %s has no %s", m.Python, strings.Join(missing, ", "))
	}
	_, err := fmt.Fprintf(out, "procs %d, %d runs each%s\n", m.Procs, m.Repeat, note)
	return err
}
