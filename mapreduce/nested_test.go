package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	errKnown   = errors.New("an error that has a name")
	errUnknown = errors.New("an error that has none")

	failNamed = FuncContext(func(_ context.Context, n int) (int, error) {
		switch n {
		case 0:
			return 0, fmt.Errorf("wrapped: %w", errKnown)
		case 1:
			return 0, errors.Join(errUnknown, fmt.Errorf("wrapped: %w", errRegistered[1]))
		}
		return 0, errUnknown
	})
	errRegistered = []error{errKnown, errors.New("another")}

	// nest computes in a pool of its own, n levels deep.
	nest *Task[int, []int]
)

func init() {
	RegisterError(errRegistered...)
	nest = FuncContext(func(ctx context.Context, n int) ([]int, error) {
		if n == 0 {
			return []int{os.Getpid()}, nil
		}
		p, err := NewPool(ctx, Procs(1))
		if err != nil {
			return nil, err
		}
		defer p.Close()
		got, err := nest.Apply(ctx, p, n-1)
		return append(got, os.Getpid()), err
	})
}

func TestRegisterError(t *testing.T) {
	p := newPool(t)
	_, err := failNamed.Map(t.Context(), p, numbers(3))
	failed, ok := errors.AsType[TaskErrors](err)
	if !ok || len(failed) != 3 {
		t.Fatal(err)
	}
	for i, want := range [][]bool{{true, false}, {false, true}, {false, false}} {
		for k, known := range errRegistered {
			if errors.Is(failed[i], known) != want[k] {
				t.Errorf("item %d: is it %v? %v", i, known, !want[k])
			}
		}
		if errors.Is(failed[i], errUnknown) {
			t.Errorf("item %d is an error that was not registered", i)
		}
	}
	if !errors.Is(err, errKnown) {
		t.Error("the error of all items is none of them")
	}
	defer func() {
		if text := fmt.Sprint(recover()); !strings.Contains(text, "RegisterError") || !strings.Contains(text, "Main or Init") {
			t.Errorf("too late: %s", text)
		}
	}()
	RegisterError(errUnknown)
}

func TestNestedPools(t *testing.T) {
	p := newPool(t, Procs(1))
	for _, n := range []int{1, maxDepth - 1} {
		pids, err := nest.Apply(t.Context(), p, n)
		if err != nil || len(pids) != n+1 {
			t.Fatalf("%d deep: %v, %v", n, pids, err)
		}
		slices.Sort(pids)
		if len(slices.Compact(pids)) != n+1 || slices.Contains(pids, os.Getpid()) {
			t.Errorf("%d deep: processes %v", n, pids)
		}
	}
	_, err := nest.Apply(t.Context(), p, maxDepth)
	if err == nil || !strings.Contains(err.Error(), "worker of a worker") {
		t.Errorf("too deep: %v", err)
	}
	checkUsable(t, p)
}

func TestProgram(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := newPool(t, Program(exe, "some", "arguments"))
	checkUsable(t, p)
	got, err := arguments.Apply(t.Context(), p, 0)
	if err != nil || !slices.Equal(got[1:], []string{"some", "arguments"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// A relative path is resolved against this process's directory and a name in $PATH, even for
// workers that run elsewhere.
func TestProgramAndDir(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	here, elsewhere := t.TempDir(), t.TempDir()
	if err := os.Symlink(exe, filepath.Join(here, "program")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	t.Setenv("PATH", here+":"+os.Getenv("PATH"))
	for _, path := range []string{"./program", "program", filepath.Join(here, "program")} {
		p, err := NewPool(t.Context(), Procs(1), Program(path), Dir(elsewhere))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if got, err := workingDir.Apply(t.Context(), p, 0); err != nil || got != elsewhere {
			t.Errorf("%s runs in %s, %v", path, got, err)
		}
		p.Close()
	}
	if _, err := NewPool(t.Context(), Program("there-is-no-such-program")); !errors.Is(err, exec.ErrNotFound) {
		t.Error(err)
	}
}

var workingDir = FuncContext(func(context.Context, int) (string, error) { return os.Getwd() })

var arguments = Func(func(int) []string { return os.Args })

func TestProgramOfOthers(t *testing.T) {
	if p, err := NewPool(t.Context(), Procs(1), Program("/there/is/no/such/program")); err == nil || p != nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no program: %v, %v", p, err)
	}
	idle, err := exec.LookPath("true")
	if err != nil {
		t.Skipf("the program true is missing: %v", err)
	}
	if _, err := NewPool(t.Context(), Procs(1), Program(idle)); !errors.Is(err, ErrNoHello) {
		t.Errorf("a program that is no worker: %v", err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewPool(t.Context(), Procs(1), Program(exe), Env(scenarioVariable+"=otherTasks"))
	if err == nil || !strings.Contains(err.Error(), "register") {
		t.Errorf("a program with other tasks: %v", err)
	}
}

func init() {
	scenarios["otherTasks"] = func() { // a worker with one more task
		Func(func(n uint16) uint16 { return n })
		Init()
	}
}
