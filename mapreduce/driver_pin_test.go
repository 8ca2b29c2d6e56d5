//go:build linux

package mapreduce

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// processorOf returns the processors that all threads of a process may use, or an error if they
// differ.
func processorOf(pid int) (list string, err error) {
	for _, tid := range entries(fmt.Sprintf("/proc/%d/task", pid)) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/status", pid, tid))
		if err != nil {
			continue // the thread has ended
		}
		_, after, _ := strings.Cut(string(status), "Cpus_allowed_list:\t")
		of, _, _ := strings.Cut(after, "\n")
		if list != "" && of != list {
			return "", fmt.Errorf("threads of %d are on %s and %s", pid, list, of)
		}
		list = of
	}
	return list, nil
}

// checkApart fails the test unless each worker of the pools has a processor of its own, as long as
// there are enough.
func checkApart(t *testing.T, pools ...*Pool) {
	t.Helper()
	eventually(t, hangTime, func() error {
		taken := make(map[string]int)
		for _, p := range pools {
			workers := p.Workers()
			if len(workers) != p.supervisor.options.procs {
				return fmt.Errorf("%d workers", len(workers))
			}
			for _, w := range workers {
				list, err := processorOf(w.PID)
				if err != nil {
					return err
				}
				if strings.ContainsAny(list, ",-") && runtime.NumCPU() > 1 {
					return fmt.Errorf("worker %d may use the processors %s", w.ID, list)
				}
				taken[list]++
			}
		}
		for list, n := range taken {
			if n > 1 && len(taken) < runtime.NumCPU() {
				return fmt.Errorf("%d workers on processor %s, and others are free: %v", n, list, taken)
			}
		}
		return nil
	})
}

// A place keeps its processor, whichever worker is there, in all pools of a program.
func TestPinnedPlaces(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(2), Pin(), Spares(1), silent())
	checkApart(t, p)
	for i := range 4 {
		old := p.Workers()[i/2]
		_ = syscall.Kill(old.PID, syscall.SIGKILL)
		eventually(t, hangTime, func() error {
			for _, w := range p.Workers() {
				if w.ID == old.ID {
					return errors.New("not replaced")
				}
			}
			return nil
		})
		checkApart(t, p)
		checkUsable(t, p)
	}
	p.Terminate()
	checkApart(t, newPool(t, Procs(1), Pin()), newPool(t, Procs(1), Pin()))
}

// The processors of pools and processes that have ended are free again.
func TestPinnedPlacesAreGivenBack(t *testing.T) {
	checkLeaks(t)
	for range 3 {
		p := newPool(t, Procs(3), Pin(), Spares(1))
		if process, err := surroundingsTask.Start(t.Context(), 0, Pin()); err != nil {
			t.Error(err)
		} else if _, err := process.Wait(); err != nil {
			t.Error(err)
		} else {
			process.ExitCode() // waits until the process was reaped
		}
		p.Terminate()
	}
	for i, places := range processors.places {
		if places != 0 {
			t.Errorf("processor %d has %d places", i, places)
		}
	}
}

// A worker uses the cores that its environment says, or its share of them.
func TestWorkersShareCores(t *testing.T) {
	checkLeaks(t)
	t.Setenv("GOMAXPROCS", "")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(6))
	for _, test := range []struct {
		options []PoolOption
		want    int
	}{
		{[]PoolOption{Procs(2)}, 3},
		{[]PoolOption{Procs(7)}, 1},
		{[]PoolOption{Procs(2), Env("GOMAXPROCS=5")}, 5},
	} {
		if got, err := coresTask.Apply(t.Context(), newPool(t, test.options...), 0); got != test.want || err != nil {
			t.Errorf("%d, %v, want %d", got, err, test.want)
		}
	}
}

var coresTask = Func(func(int) int { return runtime.GOMAXPROCS(0) })
