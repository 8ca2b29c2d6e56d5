//go:build interleave

package interleave

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"mrrun/internal/shm"
)

// Options bound what [Explore] tries.
type Options struct {
	Switches   int  // at most so many switches from a process that could run on
	Kills      int  // at most so many processes are killed
	KillReaper bool // the reaper may be one of the killed
	Timeouts   int  // how often a wait may time out while others run, if a dead one is not reaped
	Elapses    int  // how often a duration may turn out to have passed

	Random int // if not 0: this many random runs, instead of all
	Seed   uint64
	Most   int // runs after which a search of all is given up with an error; 0: 300,000
}

// Explore runs what setup sets up in a new world, in every way that the options allow, and fails
// the test if a run fails. setup returns a function that Explore calls at the end of each run that
// has not failed, when no process runs.
func Explore(t *testing.T, options Options, setup func(w *World) (check func() error)) {
	t.Helper()
	if options.Most == 0 {
		options.Most = 300_000
	}
	defer shm.SetScheduler(nil)

	s := search{options: options, random: rand.New(rand.NewPCG(options.Seed, 1))}
	kills, timeouts := 0, 0
	for more := true; more; {
		s.runs++
		s.point = 0
		w := oneRun(t, options, s.choose, setup, nil)
		kills, timeouts = kills+w.kills, timeouts+w.timeouts
		if w.err != nil {
			s.point = 0
			var trace strings.Builder
			oneRun(t, options, s.choose, setup, &trace)
			t.Fatalf("run %d: %v\n%s", s.runs, w.err, trace.String())
		}
		more = s.next()
		if more && s.runs == options.Most && options.Random == 0 {
			t.Fatalf("more than %d runs; allow less", s.runs)
		}
	}
	t.Logf("%d runs, %d kills, %d waits timed out", s.runs, kills, timeouts)
}

// A search goes through the choices of one run after another.
type search struct {
	options         Options
	random          *rand.Rand
	choices, counts []int // the choice at each point, and the number of possible ones
	point           int   // of the run under way
	runs            int
}

// choose returns the choice at the next point of a run: one of n, or of rare more that random runs
// seldom take.
func (s *search) choose(n, rare int) int {
	if s.point == len(s.choices) {
		s.choices, s.counts = append(s.choices, s.first(n, rare)), append(s.counts, n+rare)
	}
	s.point++
	if s.counts[s.point-1] != n+rare {
		panic("interleave: the same choices led to another state: setup depends on something else, such as the time")
	}
	return s.choices[s.point-1]
}

// first returns the choice at a point that is reached for the first time.
func (s *search) first(n, rare int) int {
	switch {
	case s.options.Random == 0:
		return 0
	case rare > 0 && s.random.IntN(30) == 0:
		return n + s.random.IntN(rare)
	case s.random.IntN(3) == 0:
		return s.random.IntN(n)
	}
	return 0
}

// next sets the choices of the next run; it reports whether there is one.
func (s *search) next() bool {
	if s.options.Random > 0 {
		s.choices, s.counts = s.choices[:0], s.counts[:0]
		return s.runs < s.options.Random
	}
	last := lastOpen(s.choices, s.counts)
	if last < 0 {
		return false
	}
	s.choices, s.counts = s.choices[:last+1], s.counts[:last+1]
	s.choices[last]++
	return true
}

// lastOpen returns the index of the last choice that has another alternative; -1 if none has.
func lastOpen(choices, counts []int) int {
	last := len(choices) - 1
	for last >= 0 && choices[last] == counts[last]-1 {
		last--
	}
	return last
}

func oneRun(t *testing.T, options Options, choose func(n, rare int) int, setup func(*World) func() error,
	trace *strings.Builder) *World {
	sim, err := shm.NewSimulation()
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Table.Close()
	w := &World{Sim: sim, options: options, choose: choose, parked: make(chan struct{}), trace: trace,
		waited: map[*uint32]bool{}}
	shm.SetScheduler(nil)
	check := setup(w)
	shm.SetScheduler(w)
	w.run()
	shm.SetScheduler(nil)
	if w.err == nil {
		if err := check(); err != nil {
			w.err = fmt.Errorf("at the end: %w", err)
		}
	}
	return w
}
