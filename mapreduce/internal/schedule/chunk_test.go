package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestAutoChunk(t *testing.T) {
	const us = float64(time.Microsecond)
	for _, test := range []struct {
		name    string
		seen    Measure
		left    int
		workers int
		want    int
	}{
		{"nothing known", Measure{}, 1000, 2, 1},
		{"nothing known, no end", Measure{}, -1, 2, 1},
		{"fast", Measure{1 * us, 10}, 1e6, 2, 500},
		{"fast, no end", Measure{1 * us, 10}, -1, 2, 500},
		{"faster than the clock", Measure{1, 0}, -1, 2, 500_000},
		{"slow", Measure{600 * us, 10}, 1e6, 2, 1},
		{"very slow", Measure{1e12, 10}, 1e6, 2, 1},
		{"large", Measure{1 * us, 64 << 10}, 1e6, 2, 4},
		{"larger than a chunk", Measure{1 * us, 1 << 20}, 1e6, 2, 1},
		{"tail", Measure{1 * us, 10}, 1000, 2, 125},
		{"shorter tail", Measure{1 * us, 10}, 500, 2, 62},
		{"more workers", Measure{1 * us, 10}, 1000, 10, 25},
		{"end of fast items", Measure{1 * us, 10}, 1, 2, 15},
		{"end", Measure{100 * us, 10}, 8, 2, 1},
		{"no items", Measure{100 * us, 10}, 0, 2, 1},
		{"as many as there are", Measure{1e12, 10}, 1 << 62, 2, 1},
	} {
		if got := autoChunk(&test.seen, test.left, test.workers); got != test.want {
			t.Errorf("%s: %d items, want %d", test.name, got, test.want)
		}
	}
}

func TestMeasureFollows(t *testing.T) {
	var m Measure
	m.add(10, 0, 0)
	if !m.Known() {
		t.Error("unknown after an answer in no time")
	}
	m = Measure{}
	m.add(10, 10*time.Microsecond, 1000)
	if m.work != 1000 || m.bytes != 100 {
		t.Errorf("first measure %+v, want 1 µs and 100 bytes", m)
	}
	for range 50 {
		m.add(1, time.Millisecond, 100)
	}
	if m.work < 0.99e6 {
		t.Errorf("%.0f ns after 50 chunks of 1 ms", m.work)
	}
}

// Costs of a message in the simulation.
const (
	simLatency  = 25 * time.Microsecond // one way
	simOverhead = 2 * time.Microsecond  // worker's time per chunk
)

// A simWorker runs its chunks one after the other.
type simWorker struct {
	chunks []simChunk
	freeAt time.Duration
}

type simChunk struct {
	answerAt time.Duration // when the driver has the answer
	work     time.Duration
}

// makespan runs tasks of these lengths through a scheduler on a simulated clock, and returns how
// long they take.
func makespan(tasks []time.Duration, workers, chunksize int) time.Duration {
	s := newScheduler(workers)
	c := &Call{Have: len(tasks), Ended: true, Chunksize: chunksize}
	sim := make([]simWorker, workers)
	now := time.Duration(0)
	s.Submit(c)
	for {
		for _, a := range sends(s) {
			work := simOverhead
			for _, task := range tasks[a.First:a.End] {
				work += task
			}
			w := &sim[a.Place]
			w.freeAt = max(w.freeAt, now+simLatency) + work
			w.chunks = append(w.chunks, simChunk{w.freeAt + simLatency, work})
		}
		next := -1
		for place := range sim {
			if len(sim[place].chunks) > 0 && (next < 0 || sim[place].chunks[0].answerAt < sim[next].chunks[0].answerAt) {
				next = place
			}
		}
		if next < 0 {
			return now
		}
		chunk := sim[next].chunks[0]
		sim[next].chunks = sim[next].chunks[1:]
		now = chunk.answerAt
		s.Answered(next, chunk.work, 0)
	}
}

// unequal returns n tasks, every hundredth of which takes a hundred times as long.
func unequal(n int, each time.Duration) []time.Duration {
	tasks := slices.Repeat([]time.Duration{each}, n)
	for i := range n / 100 {
		tasks[i] = 100 * each
	}
	return tasks
}

// All workers should end at the same time: however unequal the tasks are, they take together little
// more than their work divided by the number of workers.
func TestMakespan(t *testing.T) {
	const n = 10_000
	orders := []struct {
		name string
		make func(n int, each time.Duration) []time.Duration
	}{
		{"equal", func(n int, each time.Duration) []time.Duration { return slices.Repeat([]time.Duration{2 * each}, n) }},
		{"worst first", unequal},
		{"worst last", func(n int, each time.Duration) []time.Duration {
			tasks := unequal(n, each)
			slices.Reverse(tasks)
			return tasks
		}},
		{"worst anywhere", func(n int, each time.Duration) []time.Duration {
			tasks := unequal(n, each)
			rand.New(rand.NewPCG(1, 1)).Shuffle(n, func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
			return tasks
		}},
		{"growing", func(n int, each time.Duration) []time.Duration {
			tasks := make([]time.Duration, n)
			for i := range tasks {
				tasks[i] = 4 * each * time.Duration(i) / time.Duration(n)
			}
			return tasks
		}},
	}
	for _, order := range orders {
		for _, each := range []time.Duration{2 * time.Microsecond, 10 * time.Microsecond, 100 * time.Microsecond, time.Millisecond} {
			for _, workers := range []int{2, 4} {
				t.Run(fmt.Sprintf("%s/%v/%d", order.name, each, workers), func(t *testing.T) {
					tasks := order.make(n, each)
					var work time.Duration
					for _, task := range tasks {
						work += task
					}
					ideal := max(work/time.Duration(workers), slices.Max(tasks))
					took := makespan(tasks, workers, 0)
					ratio := float64(took) / float64(ideal)
					t.Logf("%v, ideal %v: ratio %.3f", took, ideal, ratio)
					if ratio > 1.1 {
						t.Errorf("takes %.3f times the ideal", ratio)
					}
				})
			}
		}
	}
}
