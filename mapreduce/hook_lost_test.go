//go:build linux

package mapreduce

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process that a task starts is not a worker and does not inherit a worker's pipes.
func TestHookChildInheritsNothing(t *testing.T) {
	p := newTestPool(t, 1)
	got, err := hookTask.Map(t.Context(), p, []string{"own pipes", "environment of a child", "descriptors of a child"})
	if err != nil {
		t.Fatal(err)
	}
	for _, variable := range []string{"MRRUN_WORKER", "MRRUN_WORKER_MAXPROCS"} {
		if strings.Contains(got[1], variable+"=") {
			t.Errorf("it inherits %s", variable)
		}
	}
	if given := os.Getenv("GOMAXPROCS"); given == "" && strings.Contains(got[1], "GOMAXPROCS=") {
		t.Error("it inherits GOMAXPROCS")
	}
	for _, pipe := range strings.Fields(got[0]) {
		if strings.Contains(got[2], pipe) {
			t.Errorf("it inherits %s:\n%s", pipe, got[2])
		}
	}
}

// The loss of a worker is an error that names it, at once; another worker replaces it.
func TestHookWorkerLost(t *testing.T) {
	p := newTestPool(t, 2)
	for range 3 {
		begin := time.Now()
		_, err := hookTask.Map(t.Context(), p, []string{"die"})
		lost, ok := errors.AsType[*WorkerLostError](err)
		if !ok || lost.Signal != syscall.SIGKILL || lost.Worker < 1 || lost.PID == 0 {
			t.Fatalf("error %v", err)
		}
		if took := time.Since(begin); took > deathTime {
			t.Errorf("it took %v", took)
		}
		if !dead(lost.PID) {
			t.Error("it lives: ", describe(lost.PID))
		}
	}
	args := slices.Repeat([]string{"x"}, 100)
	if got, err := hookTask.Map(t.Context(), p, args); err != nil || !slices.Equal(got, args) {
		t.Errorf("afterwards: %v, %v", got, err)
	}
}

// A worker that is killed from outside while it is idle is replaced, and no call fails.
func TestHookIdleWorkerKilled(t *testing.T) {
	p := newTestPool(t, 1)
	for range 3 {
		old := p.Workers()[0].PID
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, deathTime, func() error {
			for _, w := range p.Workers() {
				if w.PID == old {
					return errors.New("not replaced")
				}
			}
			return nil
		})
		if got, err := hookTask.Map(t.Context(), p, []string{"x"}); err != nil || got[0] != "x" {
			t.Errorf("%v, %v", got, err)
		}
	}
}

func TestHookDeletedBinary(t *testing.T) {
	checkLeaks(t)
	for _, replace := range []bool{false, true} {
		t.Run(fmt.Sprint("replaced ", replace), func(t *testing.T) {
			path := copyOfBinary(t)
			p := start(t, "deleted", exec.Command(path))
			p.await("driver", 1)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if replace {
				if err := os.WriteFile(path, []byte("#!/bin/false\n"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			fmt.Fprintln(p.in, "go")
			if got := p.await("result", 1)[0]; got != "true [fine] <nil>" {
				t.Error(got)
			}
			p.exit()
			p.gone(0)
		})
	}
}

// The driver does not wait for a process that was given the worker's pipes.
func TestHookPipesInOtherHands(t *testing.T) {
	checkLeaks(t)
	p := start(t, "daemon", thisBinary(nil))
	begin := time.Now()
	if code := p.exit(); code != 0 {
		t.Errorf("exit status %d: %s", code, &p.stderr)
	}
	if took := time.Since(begin); took > 2*deathTime {
		t.Errorf("it took %v", took)
	}
	if got := p.await("lost", 1)[0]; got != syscall.SIGKILL.String() {
		t.Errorf("the worker was lost by %q", got)
	}
}
