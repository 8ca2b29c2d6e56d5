package bench

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"mrrun/jobs"
	_ "mrrun/jobs/factorial"
	_ "mrrun/jobs/pi"
	_ "mrrun/jobs/wordcount"
	"mrrun/mapreduce"
)

func TestMain(m *testing.M) {
	mapreduce.Init()
	os.Exit(m.Run())
}

// BenchmarkOverhead measures the cost of a task that does nothing, as mrrun bench overhead does.
func BenchmarkOverhead(b *testing.B) {
	for _, procs := range []int{1, 2} {
		for _, mode := range []string{"map", "imap"} {
			for _, chunksize := range []int{1, 0} {
				o := overhead{Procs: procs, Chunksize: chunksize, Mode: mode, Repeat: 1}
				b.Run(fmt.Sprintf("mode=%s/chunksize=%s/procs=%d", mode, sizeName(chunksize), procs), func(b *testing.B) {
					o.Tasks = b.N
					f, err := o.measure(b.Context())
					checkFigure(b, f, err)
					b.ReportMetric(f.Seconds*1e9/float64(b.N), "ns/op") // without the start of the workers
					b.ReportMetric(f.ItemsPerS, "tasks/s")
				})
			}
		}
	}
}

// BenchmarkJob measures whole runs of jobs, with 1 and 2 workers in turn, as mrrun bench JOB does.
func BenchmarkJob(b *testing.B) {
	for _, words := range []string{
		"pi -n 1e9",
		"factorial -n 20000",
		"factorial --range 0:3000",
	} {
		b.Run(strings.ReplaceAll(words, " ", "_"), func(b *testing.B) {
			line := testLine(b, words)
			name, _, _ := strings.Cut(words, " ")
			var ways []way
			for _, w := range waysOf(line, []int{1, 2}, 0) {
				if w.Name == "procs" {
					ways = append(ways, w)
				}
			}
			r := newReport(name, nil, 2)
			if err := r.measure(b.Context(), ways, b.N, progress{}); err != nil {
				b.Fatal(err)
			}
			r.conclude(nil)
			figures := r.figures(0)
			for _, f := range figures {
				checkFigure(b, f, nil)
				b.ReportMetric(f.Seconds*1e3, fmt.Sprintf("ms/run-procs=%d", f.Procs))
			}
			b.ReportMetric(figures[1].Speedup, "speed-up")
			b.ReportMetric(0, "ns/op") // would be of both together, with a warm-up: meaningless
		})
	}
}

func checkFigure(tb testing.TB, f figure, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	if f.Check != "equal=True" {
		tb.Errorf("%s: %s", f.Workload, f.Check)
	}
}

// testLine parses the command line of a job.
func testLine(tb testing.TB, words string) *jobs.Line {
	tb.Helper()
	name, rest, _ := strings.Cut(words, " ")
	c, err := jobs.Lookup(name)
	if err != nil {
		tb.Fatal(err)
	}
	line, err := jobs.NewLine("mrrun bench "+name, c, strings.Fields(rest), func(*jobs.Flags) {})
	if err != nil {
		tb.Fatal(err)
	}
	return line
}
