package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"mrrun/jobs"
	"mrrun/mapreduce"
)

var (
	noop   = mapreduce.Func(func(i int) int { return i })
	copied = mapreduce.Command("sed", "-u", "")
)

// overhead says how to measure tasks that do nothing.
type overhead struct {
	Procs     int
	Chunksize int // 0: automatic
	Tasks     int
	Mode      string // the verb: map, imap or apply, one after the other; or command: a map by another program
	Repeat    int
}

func overheadCommand(ctx context.Context, words []string, out io.Writer) error {
	o, asJSON, err := parseOverhead(words)
	if errors.Is(err, pflag.ErrHelp) {
		_, err := io.WriteString(out, help)
		return err
	}
	if err != nil {
		return err
	}
	f, err := o.measure(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		err = writeLines(out, []figure{f})
	} else {
		_, err = fmt.Fprintf(out, "%d tasks by %s, procs %d, chunksize %s: %.4f s, %.0f tasks/s; check: %s\n",
			o.Tasks, o.Mode, o.Procs, sizeName(o.Chunksize), f.Seconds, f.ItemsPerS, f.Check)
	}
	if err == nil && f.Check != "equal=True" {
		err = errors.New("bench: wrong results")
	}
	return err
}

func sizeName(chunksize int) string {
	if chunksize == 0 {
		return "automatic"
	}
	return fmt.Sprint(chunksize)
}

func parseOverhead(words []string) (o overhead, asJSON bool, err error) {
	procs, chunksize, tasks, repeat := int64(2), int64(1), int64(1e6), int64(3)
	mode := "map"
	args, err := jobs.ParseFlags("mrrun bench overhead", words, func(f *jobs.Flags) {
		f.Count(&procs, "procs", "", 1, mapreduce.MaxProcs, "worker processes")
		f.Count(&chunksize, "chunksize", "", 0, 1e9, "tasks to send at once; 0 = automatic")
		f.Count(&tasks, "tasks", "", 1, 1e9, "how many tasks")
		f.Count(&repeat, "repeat", "", 1, 1000, "runs")
		f.String(&mode, "mode", "VERB", "map, imap, apply: one after the other, or command: lines through sed")
		f.Bool(&asJSON, "json", "print a JSON object")
	})
	if err == nil && len(args) > 0 {
		err = jobs.Usagef("bench overhead takes only flags, no arguments such as %q (see mrrun bench --help)", args[0])
	}
	if err == nil && !slices.Contains([]string{"map", "imap", "apply", "command"}, mode) {
		err = jobs.Usagef("--mode %s: it takes map, imap, apply or command (see mrrun bench --help)", mode)
	}
	return overhead{int(procs), int(chunksize), int(tasks), mode, int(repeat)}, asJSON, err
}

// measure runs the tasks on a pool that has started and answered, and checks every result.
func (o overhead) measure(ctx context.Context) (figure, error) {
	began := time.Now()
	pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(o.Procs), mapreduce.Chunksize(o.Chunksize))
	if err != nil {
		return figure{}, err
	}
	startup := time.Since(began)
	defer pool.Close()

	args := make([]int, o.Tasks)
	for i := range args {
		args[i] = i
	}
	if _, err := noop.Map(ctx, pool, args[:min(len(args), 100)], mapreduce.Chunksize(1)); err != nil {
		return figure{}, err
	}
	var seconds []float64
	equal := true
	for range o.Repeat {
		began := time.Now()
		ok, err := o.once(ctx, pool, args)
		if err != nil {
			return figure{}, err
		}
		seconds = append(seconds, time.Since(began).Seconds())
		equal = equal && ok
	}
	f := newFigure("overhead-"+o.Mode, o.Procs, o.Chunksize, int64(o.Tasks), seconds, equal)
	f.Startup = startup.Seconds()
	return f, pool.Close()
}

// once runs all tasks, and reports whether each result is its argument.
func (o overhead) once(ctx context.Context, pool *mapreduce.Pool, args []int) (bool, error) {
	switch o.Mode {
	case "apply":
		for _, n := range args {
			if got, err := noop.Apply(ctx, pool, n); err != nil || got != n {
				return false, err
			}
		}
		return true, nil
	case "command":
		return throughProgram(ctx, pool, args)
	case "imap":
		n := 0
		for got, err := range noop.Imap(ctx, pool, values(len(args))) {
			if err != nil {
				return false, err
			}
			if got != n {
				return false, nil
			}
			n++
		}
		return n == len(args), nil
	}
	got, err := noop.Map(ctx, pool, args)
	if err != nil || len(got) != len(args) {
		return false, err
	}
	for i := range got {
		if got[i] != i {
			return false, nil
		}
	}
	return true, nil
}

// throughProgram is once for a program that each worker gives its items to, a line each.
func throughProgram(ctx context.Context, pool *mapreduce.Pool, args []int) (bool, error) {
	lines := make([]string, len(args))
	for i, n := range args {
		lines[i] = strconv.Itoa(n)
	}
	got, err := copied.Map(ctx, pool, lines)
	return slices.Equal(got, lines), err
}

func values(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}
