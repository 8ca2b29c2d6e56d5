package jobs

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"mrrun/mapreduce"
)

// BenchmarkShown measures what it costs that a run of no-op tasks with automatic chunks is watched
// and shown on a terminal, in pairs of runs whose order alternates. What counts is the processor time
// of the driver and the workers, since other programs change how long a run takes. cost-% is the
// median, and low-% to high-% its interval of 95 %.
func BenchmarkShown(b *testing.B) {
	const items = 1_500_000
	numbers := make([]int, items)
	master := openTerminal(b, 100, 24)
	pools := make([]*mapreduce.Pool, 2)
	w := newWatch(items, func(i int) int { return i + 1 })
	for i, options := range [][]mapreduce.PoolOption{nil, {mapreduce.Observe(w)}} {
		pool, err := mapreduce.NewPool(b.Context(), append(options, mapreduce.Procs(2))...)
		if err != nil {
			b.Fatal(err)
		}
		defer pool.Terminate()
		pools[i] = pool
	}
	run := func(shown int) float64 {
		if shown == 1 {
			d := newDisplay("noop", &screen{out: master.slave, live: true}, 0)
			d.delay = time.Millisecond
			d.start(w, pools[1])
			defer d.stop()
		}
		began := processorTime(b, pools[shown])
		if _, err := double.Map(b.Context(), pools[shown], numbers); err != nil {
			b.Fatal(err)
		}
		return processorTime(b, pools[shown]) - began
	}
	run(0)
	run(1)
	var costs []float64
	for i := range b.N {
		var took [2]float64
		for _, shown := range []int{i % 2, 1 - i%2} {
			took[shown] = run(shown)
		}
		costs = append(costs, 100*(took[1]/took[0]-1))
	}
	slices.Sort(costs)
	n := float64(len(costs))
	at := func(rank float64) float64 { return costs[min(max(int(rank), 0), len(costs)-1)] }
	b.ReportMetric(at(n/2), "cost-%")
	b.ReportMetric(at(n/2-0.98*math.Sqrt(n)), "low-%")
	b.ReportMetric(at(n/2+0.98*math.Sqrt(n)), "high-%")
}

// processorTime returns the nanoseconds that this process and the workers have used.
func processorTime(b *testing.B, p *mapreduce.Pool) (sum float64) {
	pids := []int{os.Getpid()}
	for _, w := range p.Workers() {
		pids = append(pids, w.PID)
	}
	for _, pid := range pids {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		if err != nil {
			b.Fatal(err)
		}
		for _, thread := range threads {
			var ran float64
			text, _ := os.ReadFile(thread) // an error means that the thread has ended
			_, _ = fmt.Sscan(string(text), &ran)
			sum += ran
		}
	}
	return sum
}
