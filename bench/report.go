package bench

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"

	"mrrun/jobs"
)

// A report is what a measurement of a job has found.
type report struct {
	Job      string   `json:"job"`
	Command  string   `json:"command"`
	CPUs     int      `json:"cpus"`
	CPU      string   `json:"cpu"`
	Go       string   `json:"go"`
	Version  string   `json:"mrrun"`
	Rounds   int      `json:"rounds"` // that were finished
	Rows     []row    `json:"rows"`   // the first is what the others are compared with
	Equal    bool     `json:"equal"`  // all results of mrrun
	Result   string   `json:"result"`
	Items    int64    `json:"items"`
	Amdahl   *amdahl  `json:"amdahl,omitempty"`
	Warnings []string `json:"warnings,omitempty"`

	load float64 // of the machine before
	old  *report // to compare with; may be nil
}

// A row is the figures of one way.
type row struct {
	Name       string    `json:"name"`
	Procs      int       `json:"procs"`
	Seconds    []float64 `json:"seconds"` // of each round
	Median     float64   `json:"median"`
	Low        float64   `json:"low,omitempty"` // with High: the 95 % interval of the median; 0: too few rounds
	High       float64   `json:"high,omitempty"`
	Speedup    float64   `json:"speedup"`
	Efficiency float64   `json:"efficiency,omitempty"`
	Start      float64   `json:"start_seconds,omitempty"`
	Wait       float64   `json:"wait,omitempty"` // part of the workers' time
	Memory     int64     `json:"memory_bytes,omitempty"`

	starts, waits []float64
}

// title names the row.
func (r row) title() string {
	if r.Name == "loop" {
		return r.Name
	}
	return fmt.Sprintf("%s %d", r.Name, r.Procs)
}

// ours reports whether mrrun has computed the row, and not a counterpart.
func (r row) ours() bool { return r.Name != "python" && r.Name != "c" }

func newReport(job string, words []string, cpus int) *report {
	return &report{Job: job, Command: strings.Join(append([]string{job}, withoutFiles(words)...), " "), CPUs: cpus, CPU: cpuName(),
		Go: runtime.Version(), Version: jobs.Version, Equal: true, load: load()}
}

// withoutFiles returns words without the flags that say where figures go and come from.
func withoutFiles(words []string) (rest []string) {
	for i := 0; i < len(words); i++ {
		name, _, assigned := strings.Cut(strings.TrimLeft(words[i], "-"), "=")
		switch {
		case words[i] == name || name != "export" && name != "against" && name != "json":
			rest = append(rest, words[i])
		case !assigned && name != "json":
			i++
		}
	}
	return rest
}

// measure runs all ways in each round, after one run that does not count. So a change of the
// machine's speed affects all alike; and each round begins with another way. If ctx ends, the rounds
// that are finished count, and measure returns the cause.
func (r *report) measure(ctx context.Context, ways []way, rounds int, show progress) error {
	defer show.end()
	for _, w := range ways {
		r.Rows = append(r.Rows, row{Name: w.Name, Procs: w.Procs})
	}
	show.say("warming up")
	if _, err := ways[0].run(ctx); err != nil {
		return err
	}
	for round := range rounds {
		samples := make([]sample, len(ways))
		for i := range ways {
			i = (i + round) % len(ways)
			show.say(fmt.Sprintf("round %d of %d: %s", round+1, rounds, r.Rows[i].title()))
			var err error
			if samples[i], err = ways[i].run(ctx); err != nil {
				return err
			}
		}
		for i, s := range samples {
			r.Rows[i].add(s)
			if r.Result == "" && r.Rows[i].ours() {
				r.Result, r.Items = s.result, s.items
			}
			r.Equal = r.Equal && (s.result == r.Result || !r.Rows[i].ours())
		}
		r.Rounds++
	}
	return nil
}

func (r *row) add(s sample) {
	r.Seconds = append(r.Seconds, s.seconds)
	r.starts = append(r.starts, s.start)
	r.waits = append(r.waits, s.wait)
	r.Memory = max(r.Memory, s.memory)
}

// conclude computes what follows from the samples.
func (r *report) conclude(old *report) {
	r.old = old
	for i := range r.Rows {
		row := &r.Rows[i]
		s := summary(row.Seconds)
		row.Median = s.Center
		if !math.IsInf(s.Lo, 0) && !math.IsInf(s.Hi, 0) {
			row.Low, row.High = s.Lo, s.Hi
		}
		row.Speedup = r.Rows[0].Median / row.Median
		row.Start, row.Wait = median(row.starts), median(row.waits)
		row.Efficiency = row.Speedup / float64(row.Procs)
	}
	r.Amdahl = fitAmdahl(r.Rows, r.CPUs)
	r.warn()
}

// summary returns the median with its 95 % interval, which is infinite for fewer than six samples.
func summary(samples []float64) benchmath.Summary {
	return benchmath.AssumeNothing.Summary(benchmath.NewSample(slices.Clone(samples), &benchmath.DefaultThresholds), 0.95)
}

// warn notes what makes the figures doubtful.
func (r *report) warn() {
	add := func(format string, args ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...)) }
	if r.load > float64(r.CPUs)/4 {
		add("the machine was busy when this began: load %.1f on %d processors", r.load, r.CPUs)
	}
	if r.Rounds < 6 {
		add("%d rounds are too few for a 95 %% interval: it takes 6 (--repeat 10)", r.Rounds)
	}
	var wide, short, many []string
	for _, row := range r.Rows {
		if row.High > 0 && (row.High-row.Low)/2 > 0.05*row.Median {
			wide = append(wide, row.title())
		}
		if row.Name == "procs" && row.Median < 20*row.Start {
			short = append(short, row.title())
		}
		if row.Name == "procs" && row.Procs > r.CPUs {
			many = append(many, row.title())
		}
	}
	if len(wide) > 0 {
		add("the interval is wider than ±5 %%: %s", strings.Join(wide, ", "))
	}
	if len(short) > 0 {
		add("the run takes less than 20 times as long as the start of its workers: %s", strings.Join(short, ", "))
	}
	if len(many) > 0 {
		add("more processes than the %d processors cannot help: %s", r.CPUs, strings.Join(many, ", "))
	}
}

// load returns how many processes wanted to run, on average over the last minute.
func load() (l float64) {
	text, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		_, _ = fmt.Sscan(string(text), &l)
	}
	return l
}

// cpuName returns what the system calls the processor.
func cpuName() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
