package bench

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"mrrun/jobs"
)

//go:embed peers.py
var peersScript string

//go:embed pi.c.txt
var piSource string

// pythonJobs are the jobs that peers.py has; there is a program in C for pi alone.
var pythonJobs = []string{"pi", "factorial", "wordcount"}

// peersOf returns the counterparts of a job that are installed, for each number of processes. done
// removes their files.
func peersOf(ctx context.Context, job string, line *jobs.Line, procs []int) (all []way, done func(), err error) {
	if !slices.Contains(pythonJobs, job) {
		return nil, nil, jobs.Usagef("--peers: there are counterparts of pi, factorial and wordcount alone (see mrrun bench --help)")
	}
	params, err := json.Marshal(line.Params())
	if err != nil {
		return nil, nil, err
	}
	var pi struct {
		Terms  json.Number
		Digits int64
	}
	if err := json.Unmarshal(params, &pi); err != nil {
		return nil, nil, err
	}
	if pi.Digits > 0 {
		return nil, nil, jobs.Usagef("--peers: there is no counterpart of --digits (see mrrun bench --help)")
	}
	dir, err := os.MkdirTemp("", "mrrun-peers-*")
	if err != nil {
		return nil, nil, err
	}
	done = func() { _ = os.RemoveAll(dir) } // a temporary folder
	add := func(name string, n int, program string, args ...string) {
		all = append(all, way{name, n, func(ctx context.Context) (sample, error) { return runPeer(ctx, name, program, args) }})
	}
	if python, err := exec.LookPath("python3"); err == nil {
		script := filepath.Join(dir, "peers.py")
		if err := os.WriteFile(script, []byte(peersScript), 0o600); err != nil {
			done()
			return nil, nil, err
		}
		for _, n := range procs {
			add("python", n, python, script, job, string(params), strconv.Itoa(n))
		}
	}
	if program := buildC(ctx, job, dir); program != "" {
		for _, n := range procs {
			add("c", n, program, pi.Terms.String(), strconv.Itoa(n))
		}
	}
	if len(all) == 0 {
		done()
		return nil, nil, errors.New("bench: --peers: neither python3 nor a C compiler (cc) is installed")
	}
	return all, done, nil
}

// buildC returns the path of the counterpart in C, or "" if there is none or no compiler.
func buildC(ctx context.Context, job, dir string) string {
	if job != "pi" {
		return ""
	}
	source, program := filepath.Join(dir, "pi.c"), filepath.Join(dir, "pi")
	if os.WriteFile(source, []byte(piSource), 0o600) != nil ||
		exec.CommandContext(ctx, "cc", "-O3", "-march=native", "-ffast-math", "-pthread", source, "-o", program).Run() != nil {
		return ""
	}
	return program
}

// runPeer runs a counterpart, which says how long it took without its own start.
func runPeer(ctx context.Context, name, program string, args []string) (sample, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // Python then ends its workers
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return sample{}, context.Cause(ctx)
	}
	if err != nil {
		return sample{}, fmt.Errorf("bench: the counterpart %s: %w", name, err)
	}
	var got struct {
		Seconds float64
		Result  string
	}
	if err := json.Unmarshal(out, &got); err != nil || got.Seconds <= 0 {
		return sample{}, fmt.Errorf("bench: the counterpart %s printed %q", name, out)
	}
	return sample{seconds: got.Seconds, result: got.Result}, nil
}
