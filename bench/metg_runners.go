package bench

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"mrrun/mapreduce"
)

// A runner runs tasks that are busy for so many rounds of a loop each, and returns how many seconds
// all of them took.
type runner interface {
	run(tasks, rounds int) (seconds float64, err error)
	close() error
}

// A subject is a framework with a chunk size.
type subject struct {
	framework string
	chunksize int // 0: what the framework does by default
	open      func(context.Context) (runner, error)
}

// frameworks are those that [metg] can measure, with chunk sizes.
var frameworks = []struct {
	name       string
	chunksizes []int
}{
	{"mrrun", []int{1, 0}},
	{"pool", []int{1, 0}}, // multiprocessing.Pool
	{"ppe", []int{1}},     // concurrent.futures.ProcessPoolExecutor, whose default is 1
	{"joblib", []int{1, 0}},
	{"ray-pool", []int{1, 0}}, // ray.util.multiprocessing.Pool
}

func frameworkNames() (names []string) {
	for _, f := range frameworks {
		names = append(names, f.name)
	}
	return names
}

func (m metg) subjects() (all []subject) {
	for _, f := range frameworks {
		if !slices.Contains(m.Frameworks, f.name) {
			continue
		}
		for _, size := range f.chunksizes {
			all = append(all, subject{f.name, size, func(ctx context.Context) (runner, error) {
				if f.name == "mrrun" {
					return newPoolRunner(ctx, m.Procs, size)
				}
				return newPythonRunner(ctx, m.Python, f.name, m.Procs, size)
			}})
		}
	}
	return all
}

// spin is busy. Its result depends on every round, or the compiler would leave them out, and is
// small, so that it costs what the result of a task that does nothing costs.
func spin(rounds int) int {
	x := uint64(1)
	for range rounds {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return int(x % 64)
}

var busy = mapreduce.Func(spin)

// A poolRunner runs tasks on a pool of mrrun.
type poolRunner struct {
	ctx  context.Context
	pool *mapreduce.Pool
}

func newPoolRunner(ctx context.Context, procs, chunksize int) (*poolRunner, error) {
	pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(procs), mapreduce.Chunksize(chunksize))
	if err != nil {
		return nil, err
	}
	r := &poolRunner{ctx, pool}
	if _, err := r.run(100, 1); err != nil {
		_ = pool.Close()
		return nil, err
	}
	return r, nil
}

func (r *poolRunner) run(tasks, rounds int) (float64, error) {
	args := slices.Repeat([]int{rounds}, tasks)
	want := spin(rounds)
	began := time.Now()
	got, err := busy.Map(r.ctx, r.pool, args)
	seconds := time.Since(began).Seconds()
	if err == nil && slices.ContainsFunc(got, func(n int) bool { return n != want }) {
		err = errors.New("wrong results")
	}
	return seconds, err
}

func (r *poolRunner) close() error { return r.pool.Close() }

//go:embed metg.py
var metgScript string

var errNotInstalled = errors.New("not installed")

// A pythonRunner runs tasks on a framework of Python, in an interpreter that ends with its input.
type pythonRunner struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	errors  bytes.Buffer
	wait    func() error
}

func newPythonRunner(ctx context.Context, python, framework string, procs, chunksize int) (*pythonRunner, error) {
	r := &pythonRunner{
		command: exec.CommandContext(ctx, python, "-c", metgScript, framework, strconv.Itoa(procs), strconv.Itoa(chunksize)),
	}
	r.wait = sync.OnceValue(r.command.Wait)
	r.command.Stderr = &r.errors
	r.command.Cancel = func() error { return r.command.Process.Signal(os.Interrupt) } // it then ends its workers
	r.command.WaitDelay = 10 * time.Second
	var err error
	if r.in, err = r.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := r.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.out = bufio.NewReader(out)
	if err := r.command.Start(); err != nil {
		return nil, err
	}
	switch line, err := r.answer(); {
	case err != nil:
		return nil, err
	case line != "ready":
		return nil, errors.Join(errNotInstalled, r.close())
	}
	return r, nil
}

func (r *pythonRunner) run(tasks, rounds int) (float64, error) {
	if _, err := fmt.Fprintln(r.in, tasks, rounds); err != nil {
		return 0, err
	}
	line, err := r.answer()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(line, 64)
}

// answer reads a line. If there is none, the interpreter has ended, and its last line says why.
func (r *pythonRunner) answer() (string, error) {
	line, err := r.out.ReadString('\n')
	if err == nil {
		return strings.TrimSpace(line), nil
	}
	err = r.close()
	why := strings.Split(strings.TrimSpace(r.errors.String()), "\n")
	return "", fmt.Errorf("%s ended too early: %w: %s", r.command.Path, err, why[len(why)-1])
}

func (r *pythonRunner) close() error {
	_ = r.in.Close()
	return r.wait()
}
