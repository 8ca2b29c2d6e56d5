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

	var choices, counts []int // the choice at each point, and the number of possible ones
	random := rand.New(rand.NewPCG(options.Seed, 1))
	runs, kills, timeouts := 0, 0, 0
	for {
		runs++
		point := 0
		choose := func(n, rare int) int {
			if point == len(choices) {
				c := 0
				switch {
				case options.Random == 0:
				case rare > 0 && random.IntN(30) == 0:
					c = n + random.IntN(rare)
				case random.IntN(3) == 0:
					c = random.IntN(n)
				}
				choices, counts = append(choices, c), append(counts, n+rare)
			}
			point++
			if counts[point-1] != n+rare {
				panic("interleave: the same choices led elsewhere: what setup makes depends on something else, such as the time")
			}
			return choices[point-1]
		}
		w := oneRun(t, options, choose, setup, nil)
		kills, timeouts = kills+w.kills, timeouts+w.timeouts
		if w.err != nil {
			point = 0
			var trace strings.Builder
			oneRun(t, options, choose, setup, &trace)
			t.Fatalf("run %d: %v\n%s", runs, w.err, trace.String())
		}
		if options.Random > 0 {
			choices, counts = choices[:0], counts[:0]
			if runs == options.Random {
				break
			}
			continue
		}
		last := lastOpen(choices, counts)
		if last < 0 {
			break
		}
		if runs == options.Most {
			t.Fatalf("more than %d runs; allow less", runs)
		}
		choices, counts = choices[:last+1], counts[:last+1]
		choices[last]++
	}
	t.Logf("%d runs, %d kills, %d waits timed out", runs, kills, timeouts)
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
