package bench

import (
	"slices"
	"strings"
	"testing"
)

// Each figure is there, is a time or an amount of memory, and larger where it must be.
func TestWorkers(t *testing.T) {
	figures, err := workers{Count: 20, Repeat: 2}.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	value := map[string]float64{}
	for _, f := range figures {
		if memory := strings.HasPrefix(f.Workload, "workers-memory-"); memory != (f.Bytes > 0) || memory == (f.Seconds > 0) ||
			f.What == "" || f.Check != "equal=True" {
			t.Errorf("%+v", f)
		}
		value[f.Workload] = max(f.Bytes, slices.Min(f.All))
	}
	for _, less := range [][2]string{
		{"start-goroutine", "start-program"}, {"start-goroutine", "start-spare"},
		{"switch-goroutine", "switch-task"},
		{"memory-goroutine", "memory-private"}, {"memory-private", "memory-pss"}, {"memory-pss", "memory-rss"},
	} {
		a, b := value["workers-"+less[0]], value["workers-"+less[1]]
		if a <= 0 || a >= b {
			t.Errorf("%s is %g, and %s %g", less[0], a, less[1], b)
		}
	}
}

func TestWorkersTable(t *testing.T) {
	const want = `to a goroutine      0.25 µs   (0.20 to 0.30)
a start             1.50 ms   (1.25 to 1.75)
its memory       1000.00 KiB  (900.00 to 1100.00)
medians, and in brackets the least and the most
`
	var out strings.Builder
	err := writeWorkers(&out, []workerFigure{
		{figure{Seconds: 0.25e-6, All: []float64{0.2e-6, 0.3e-6}}, "to a goroutine", 0},
		{figure{Seconds: 1.5e-3, All: []float64{1.25e-3, 1.75e-3}}, "a start", 0},
		{figure{All: []float64{900 << 10, 1100 << 10}}, "its memory", 1000 << 10},
	})
	if err != nil || out.String() != want {
		t.Errorf("%v, it prints\n%s, want\n%s", err, out.String(), want)
	}
}
