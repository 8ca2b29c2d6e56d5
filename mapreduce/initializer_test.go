//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A stateOrder says what an initializer does.
type stateOrder struct{ Do, Dir string }

type ownState struct {
	dir  string
	used int
}

var (
	stateOf *State[stateOrder, *ownState]

	useState = FuncContext(func(ctx context.Context, n int) (trace, error) {
		s := stateOf.Get(ctx)
		s.used++
		return trace{n, s.used, os.Getpid()}, nil
	})
)

func init() { stateOf = NewState(beginState, endState) }

func beginState(_ context.Context, o stateOrder) (*ownState, error) {
	if err := os.WriteFile(filepath.Join(o.Dir, fmt.Sprintf("started.%d", os.Getpid())), nil, 0o600); err != nil {
		return nil, err
	}
	switch o.Do {
	case "error":
		return nil, errors.New("no table")
	case "panic":
		panic("no table")
	case "exit":
		fmt.Fprintln(os.Stderr, "no table")
		os.Exit(5)
	case "Goexit":
		fmt.Fprintln(os.Stderr, "no table")
		runtime.Goexit()
	}
	return &ownState{dir: o.Dir}, nil
}

func endState(s *ownState) error {
	return os.WriteFile(filepath.Join(s.dir, fmt.Sprintf("ended.%d", os.Getpid())), fmt.Append(nil, s.used), 0o600)
}

// started returns the IDs of the processes whose initializer has run.
func started(t *testing.T, dir string) []int {
	t.Helper()
	var pids []int
	for _, name := range entries(dir) {
		if text, ok := strings.CutPrefix(name, "started."); ok {
			pid, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

func awaitStarted(t *testing.T, dir string, n int) {
	t.Helper()
	eventually(t, hangTime, func() error {
		if got := len(started(t, dir)); got < n {
			return fmt.Errorf("%d processes have started, want %d", got, n)
		}
		return nil
	})
}

// Each worker has its own state, which is made once and ended in good order.
func TestStatePerWorker(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	p, err := NewPool(t.Context(), Procs(2), stateOf.Initializer(stateOrder{Dir: dir}), silent())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	awaitStarted(t, dir, 2)
	got, err := useState.Map(t.Context(), p, numbers(100), Chunksize(3))
	if err != nil {
		t.Fatal(err)
	}
	used := make(map[int][]int) // by process
	for _, r := range got {
		used[r.PID] = append(used[r.PID], r.Attempt)
	}
	for pid, counts := range used {
		slices.Sort(counts)
		for i, n := range counts {
			if n != i+1 {
				t.Fatalf("the state of worker %d counts %v", pid, counts)
			}
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	for _, pid := range started(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("ended.%d", pid)))
		if err != nil || string(text) != strconv.Itoa(len(used[pid])) {
			t.Errorf("exit function of worker %d, which used its state %d times: %q, %v", pid, len(used[pid]), text, err)
		}
	}
}

// NewPool returns the error of a failed initializer at once, and does not try it again.
func TestInitializerFails(t *testing.T) {
	checkLeaks(t)
	for _, do := range []string{"error", "panic", "exit", "Goexit"} {
		t.Run(do, func(t *testing.T) {
			dir := t.TempDir()
			ctx, cancel := context.WithTimeout(t.Context(), hangTime)
			defer cancel()
			start := time.Now()
			p, err := NewPool(ctx, Procs(3), Spares(1), stateOf.Initializer(stateOrder{do, dir}), silent())
			if err == nil {
				p.Close()
			}
			t.Logf("after %v: %v", time.Since(start), err)
			if !errors.Is(err, ErrInitializer) || !strings.Contains(fmt.Sprint(err), "beginState") {
				t.Errorf("error %v, want ErrInitializer with the name of the function", err)
			}
			if !strings.Contains(fmt.Sprint(err), "no table") {
				t.Errorf("error %v does not say why", err)
			}
			if took := time.Since(start); took > slack {
				t.Errorf("it took %v", took)
			}
			if n := len(started(t, dir)); n > 4 {
				t.Errorf("%d processes were started", n)
			}
		})
	}
}

// An initializer that fails in a worker started later ends the pool.
func TestInitializerFailsLater(t *testing.T) {
	checkLeaks(t)
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p, err := NewPool(t.Context(), Procs(1), stateOf.Initializer(stateOrder{Dir: dir}), silent())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	checkUsable(t, p)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := deedTask.Apply(t.Context(), p, deed{Do: "SIGKILL", Times: 1}); !errors.Is(err, ErrInitializer) {
		t.Errorf("error %v, want ErrInitializer", err)
	}
	if err := p.Close(); !errors.Is(err, ErrInitializer) {
		t.Errorf("Close: error %v, want ErrInitializer", err)
	}
}

func TestStateGetPanics(t *testing.T) {
	checkLeaks(t)
	if got := fmt.Sprint(recovered(func() { stateOf.Get(t.Context()) })); !strings.Contains(got, "outside of a task") {
		t.Errorf("outside of a task it panics with %q", got)
	}
	p := newPool(t, Procs(1))
	_, err := useState.Apply(t.Context(), p, 1)
	if e, ok := errors.AsType[*TaskError](err); !ok || !strings.Contains(e.Msg, "no such Initializer") {
		t.Errorf("in a pool without the initializer: error %v", err)
	}
}
