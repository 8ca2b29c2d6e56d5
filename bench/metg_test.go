package bench

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A model is a runner whose time is known: a round is a nanosecond, and a task costs overhead more.
type model struct {
	procs    int
	overhead float64
}

func (m model) run(tasks, rounds int) (float64, error) {
	return float64(tasks) * (m.overhead + float64(rounds)*1e-9) / float64(m.procs), nil
}

func (model) close() error { return nil }

// Tasks are half overhead when their work is as long as their overhead.
func TestMETGSearch(t *testing.T) {
	for _, procs := range []int{1, 2, 8} {
		for _, overhead := range []float64{200e-9, 1.5e-6, 40e-6, 5e-3} {
			length, err := metg{Procs: procs}.search(model{procs, overhead})
			if err != nil || math.Abs(length/overhead-1) > precision-1 {
				t.Errorf("procs %d, overhead %g s: got %g s, %v", procs, overhead, length, err)
			}
		}
	}
	for _, overhead := range []float64{0, 1} {
		if length, err := (metg{Procs: 2}).search(model{2, overhead}); err == nil {
			t.Errorf("overhead %g s: got %g s", overhead, length)
		}
	}
}

func TestMETGTable(t *testing.T) {
	pool := newFigure("metg", 2, 1, 1, []float64{2e-6, 1e-6, 4e-6}, true)
	own := newFigure("metg", 2, 0, 1, []float64{5e-8, 5e-8, 5e-8}, true)
	const want = `  framework  chunk size  METG(50 %)    least     most
      mrrun           1     2.00 µs  1.00 µs  4.00 µs
      mrrun   automatic     0.05 µs  0.05 µs  0.05 µs
procs 2, 3 runs each; python3 has no joblib
`
	var out strings.Builder
	err := metg{Procs: 2, Repeat: 3, Python: "python3"}.writeTable(&out, []figure{pool, own}, []string{"joblib"})
	if out.String() != want || err != nil {
		t.Errorf("got %v and\n%s\nwant\n%s", err, out.String(), want)
	}
}

func TestMETGOfAPool(t *testing.T) {
	m := metg{Procs: 2, Frameworks: []string{"mrrun"}}
	for _, s := range m.subjects() {
		r, err := s.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if seconds, err := r.run(1000, 10); seconds <= 0 || err != nil {
			t.Errorf("chunk size %d: got %g s, %v", s.chunksize, seconds, err)
		}
		if err := r.close(); err != nil {
			t.Error(err)
		}
	}
}

// interpreter returns the path of a program that takes the place of Python.
func interpreter(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMETGOfPython(t *testing.T) {
	open := func(script string) (*pythonRunner, error) {
		return newPythonRunner(t.Context(), interpreter(t, script), "pool", 2, 1)
	}
	r, err := open("echo ready; while read tasks rounds; do echo $((tasks + rounds)); done")
	if err != nil {
		t.Fatal(err)
	}
	if seconds, err := r.run(3, 4); seconds != 7 || err != nil {
		t.Errorf("got %g, %v", seconds, err)
	}
	if err := r.close(); err != nil {
		t.Error(err)
	}
	if _, err := open("echo missing"); !errors.Is(err, errNotInstalled) {
		t.Errorf("without the framework: got %v", err)
	}
	const died = "ended too early: exit status 3: no memory"
	if _, err := open("echo traceback >&2; echo no memory >&2; exit 3"); err == nil || !strings.HasSuffix(err.Error(), died) {
		t.Errorf("one that dies: got %v, want %s", err, died)
	}
	if r, err = open("echo ready; read line; echo no memory >&2; exit 3"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.run(1, 1); err == nil || !strings.HasSuffix(err.Error(), died) {
		t.Errorf("one that dies of a task: got %v, want %s", err, died)
	}
}

// What is not installed is left out; what fails is an error, and so is the end of the context.
func TestMETGLeavesOutWhatIsMissing(t *testing.T) {
	m := metg{Procs: 2, Frameworks: []string{"pool", "joblib"}, Python: interpreter(t, "echo missing"), Repeat: 2}
	figures, missing, err := m.measure(t.Context())
	if len(figures) > 0 || strings.Join(missing, " ") != "pool joblib" || err != nil {
		t.Errorf("got %v, %v, %v", figures, missing, err)
	}
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if _, _, err := (metg{Procs: 1, Frameworks: []string{"mrrun"}, Repeat: 1}).measure(ctx); !errors.Is(err, stop) {
		t.Errorf("got %v, want %v", err, stop)
	}
}
