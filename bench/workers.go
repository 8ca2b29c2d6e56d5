package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"mrrun/jobs"
)

// workers says how to measure what a worker costs compared with a goroutine: its start, its memory,
// and a round trip to it.
type workers struct {
	Count  int // round trips of a run
	Repeat int
}

// A workerFigure is a time or an amount of memory; a time has the keys of the scripts.
type workerFigure struct {
	figure
	What  string  `json:"what"`
	Bytes float64 `json:"bytes"` // median memory, with each value in All; 0: it is a time
}

func workersCommand(ctx context.Context, words []string, out io.Writer) error {
	w, asJSON, err := parseWorkers(words)
	if errors.Is(err, pflag.ErrHelp) {
		_, err := io.WriteString(out, help)
		return err
	}
	if err != nil {
		return err
	}
	figures, err := w.measure(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return writeLines(out, figures)
	}
	return writeWorkers(out, figures)
}

func parseWorkers(words []string) (w workers, asJSON bool, err error) {
	count, repeat := int64(10_000), int64(9)
	args, err := jobs.ParseFlags("mrrun bench workers", words, func(f *jobs.Flags) {
		f.Count(&count, "count", "", 1, 1e9, "round trips of a run")
		f.Count(&repeat, "repeat", "", 1, 1000, "runs")
		f.Bool(&asJSON, "json", "print JSON objects")
	})
	if err == nil && len(args) > 0 {
		err = jobs.Usagef("bench workers takes only flags, no arguments such as %q (see mrrun bench --help)", args[0])
	}
	return workers{int(count), int(repeat)}, asJSON, err
}

// measure measures one after the other, from the cheapest to the most expensive.
func (w workers) measure(ctx context.Context) (all []workerFigure, err error) {
	for _, m := range []struct {
		workload, what string
		measure        func(context.Context) (figure, error)
	}{
		{"start-goroutine", "start a goroutine, and wait for it", w.startGoroutine},
		{"start-program", "start a program that does nothing (true), and wait for it", w.startProgram},
		{"start-spare", "start a process that was started ahead, and wait for it", w.startProcess(1)},
		{"start-cold", "start a process, and wait for it", w.startProcess(0)},
		{"start-pool", "start a pool of one worker, to its first result and end", w.startPool},
		{"switch-goroutine", "to a goroutine and back, by channels", w.switchGoroutine},
		{"switch-memory", "to a worker and back, by a Semaphore in shared memory", w.switchWorker("semaphore-pingpong")},
		{"switch-messages", "to a worker and back, by a Pipe of shared memory", w.switchWorker("pingpong")},
		{"switch-task", "to a worker and back, by a task", w.switchTask},
	} {
		f, err := m.measure(ctx)
		if err != nil {
			return nil, fmt.Errorf("bench: %s: %w", m.what, err)
		}
		f.Workload = "workers-" + m.workload
		all = append(all, workerFigure{figure: f, What: m.what})
	}
	memory, err := memoryFigures(ctx)
	return append(all, memory...), err
}

// timed returns the figure of runs of n operations each, after one run that does not count.
func (w workers) timed(n int, once func() error) (figure, error) {
	var seconds []float64
	for range w.Repeat + 1 {
		began := time.Now()
		if err := once(); err != nil {
			return figure{}, err
		}
		seconds = append(seconds, time.Since(began).Seconds()/float64(n))
	}
	return newFigure("", 1, 1, 1, seconds[1:], true), nil
}

func (w workers) startGoroutine(context.Context) (figure, error) {
	return w.timed(w.Count, func() error {
		done := make(chan bool)
		for range w.Count {
			go func() { done <- true }()
			<-done
		}
		return nil
	})
}

func (w workers) startProgram(ctx context.Context) (figure, error) {
	path, err := exec.LookPath("true")
	if err != nil {
		return figure{}, err
	}
	return w.timed(1, func() error { return exec.CommandContext(ctx, path).Run() })
}

func (w workers) startProcess(spares int) func(context.Context) (figure, error) {
	return func(ctx context.Context) (figure, error) { return startup{"process", 1, w.Repeat, spares}.measure(ctx) }
}

func (w workers) startPool(ctx context.Context) (figure, error) {
	return startup{"pool", 1, w.Repeat, 0}.measure(ctx)
}

func (w workers) switchGoroutine(context.Context) (figure, error) {
	there, back := make(chan int), make(chan int)
	defer close(there)
	go func() {
		for n := range there {
			back <- n
		}
	}()
	return w.timed(w.Count, func() error {
		for i := range w.Count {
			there <- i
			<-back
		}
		return nil
	})
}

// switchWorker lets two workers take turns.
func (w workers) switchWorker(prim string) func(context.Context) (figure, error) {
	return func(ctx context.Context) (figure, error) {
		f, right, err := sharing{Prim: prim, Procs: 2, Count: w.Count, Repeat: w.Repeat}.measure(ctx)
		if err == nil && !right {
			err = errors.New(f.Check)
		}
		return f.figure.each(w.Count), err
	}
}

func (w workers) switchTask(ctx context.Context) (figure, error) {
	f, err := overhead{Procs: 1, Chunksize: 1, Tasks: w.Count, Mode: "apply", Repeat: w.Repeat}.measure(ctx)
	return f.each(w.Count), err
}

// each returns the figure of one of the n operations of each run.
func (f figure) each(n int) figure {
	for i := range f.All {
		f.All[i] /= float64(n)
	}
	return newFigure(f.Workload, f.Procs, f.Chunksize, 1, f.All, true)
}

func writeWorkers(out io.Writer, figures []workerFigure) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range figures {
		unit, scale := "µs", 1e6
		switch {
		case f.Bytes > 0:
			unit, scale = "KiB", 1./1024
		case f.Seconds >= 1e-4:
			unit, scale = "ms", 1e3
		}
		fmt.Fprintf(t, "%s\t%8.2f %s\t(%.2f to %.2f)\n", f.What, scale*median(f.All), unit, scale*slices.Min(f.All), scale*slices.Max(f.All))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "medians, and in brackets the least and the most")
	return err
}

// memoryFigures measures idle workers of a pool that have run a task, and waiting goroutines.
func memoryFigures(ctx context.Context) (all []workerFigure, err error) {
	const procs = 4
	c, err := newCrew(ctx, procs)
	if err != nil {
		return nil, err
	}
	defer c.close()
	sizes := map[string][]float64{}
	for _, worker := range c.Stats().Workers {
		if err := addMemory(sizes, worker.PID); err != nil {
			return nil, fmt.Errorf("bench: memory of a worker: %w", err)
		}
	}
	sizes["goroutine"] = []float64{goroutineMemory()}
	for _, m := range []struct{ key, workload, what string }{
		{"goroutine", "memory-goroutine", "memory of a goroutine that waits"},
		{"Private", "memory-private", "memory of a worker at rest that is its own"},
		{"Pss", "memory-pss", "and with its share of what others have too (PSS)"},
		{"Rss", "memory-rss", "and with all of that (RSS)"},
	} {
		f := newFigure("workers-"+m.workload, procs, 1, 1, sizes[m.key], true)
		f.Seconds, f.ItemsPerS = 0, 0
		all = append(all, workerFigure{f, m.what, median(f.All)})
	}
	return all, c.close()
}

// addMemory adds the bytes of memory that a process has, by the names of the kernel's counters.
// Private is the sum of two of them.
func addMemory(sizes map[string][]float64, pid int) error {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return err
	}
	private := 0.
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		var kib float64
		if _, err := fmt.Sscanf(rest, "%f kB", &kib); err != nil {
			continue
		}
		switch name {
		case "Private_Clean", "Private_Dirty":
			private += 1024 * kib
		case "Pss", "Rss":
			sizes[name] = append(sizes[name], 1024*kib)
		}
	}
	sizes["Private"] = append(sizes["Private"], private)
	return nil
}

// goroutineMemory returns how many bytes a waiting goroutine takes: the average of many, so that
// nothing else counts.
func goroutineMemory() float64 {
	const n = 10_000
	used := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := used()
	var waiting, all sync.WaitGroup
	stop := make(chan bool)
	for range n {
		waiting.Add(1)
		all.Go(func() { waiting.Done(); <-stop })
	}
	waiting.Wait()
	after := used()
	close(stop)
	all.Wait()
	return float64(after-before) / n
}
