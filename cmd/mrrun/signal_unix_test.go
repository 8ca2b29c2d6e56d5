//go:build linux || darwin

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// soon is how long a run may take to end: a second, or more with the race detector, which is much
// slower.
var soon = func() time.Duration {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return 10 * time.Second
	}
	return time.Second
}()

// A driver is a running mrrun.
type driver struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	ended          chan error
}

func startDriver(t *testing.T, args ...string) *driver {
	t.Helper()
	d := &driver{cmd: exec.Command("mrrun", args...), ended: make(chan error, 1)}
	d.cmd.Stdout, d.cmd.Stderr = &d.stdout, &d.stderr
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.ended <- d.cmd.Wait() }()
	t.Cleanup(func() { d.cmd.Process.Kill() }) // an error means that it has ended
	return d
}

func (d *driver) pid() int { return d.cmd.Process.Pid }

// workers waits until n workers have started, and returns their process ids.
func (d *driver) workers(t *testing.T, n int) []int {
	t.Helper()
	var pids []int
	if !within(10*time.Second, func() bool {
		pids = childrenOf(t, d.pid())
		return len(pids) == n
	}) {
		t.Fatalf("mrrun has %d workers, want %d; it says: %s", len(pids), n, d.stderr.String())
	}
	return pids
}

func (d *driver) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// end waits for the end, which must come soon, and returns the process's state.
func (d *driver) end(t *testing.T) *os.ProcessState {
	t.Helper()
	return d.endWithin(t, soon)
}

func (d *driver) endWithin(t *testing.T, limit time.Duration) *os.ProcessState {
	t.Helper()
	select {
	case <-d.ended:
	case <-time.After(limit):
		t.Fatalf("mrrun still runs %v later", limit)
	}
	return d.cmd.ProcessState
}

// fails is end for a run that must end with this status, no result, and one line on standard error.
func (d *driver) fails(t *testing.T, status int, message string) {
	t.Helper()
	if got := d.end(t).ExitCode(); got != status {
		t.Errorf("got status %d, want %d", got, status)
	}
	if d.stdout.Len() > 0 {
		t.Errorf("a result is written: %q", d.stdout.String())
	}
	if got := d.stderr.String(); !regexp.MustCompile(`^mrrun: ` + message + `\n$`).MatchString(got) {
		t.Errorf("got message %q, want %q", got, message)
	}
}

// childrenOf returns the running processes that pid has started.
func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=,stat=").Output()
	if err != nil {
		t.Skipf("ps is missing: %v", err)
	}
	var pids []int
	for line := range strings.Lines(string(out)) {
		var child, parent int
		var state string
		if _, err := fmt.Sscan(line, &child, &parent, &state); err != nil {
			t.Fatalf("ps: %q: %v", line, err)
		}
		if parent == pid && state[0] != 'Z' {
			pids = append(pids, child)
		}
	}
	return pids
}

// runs reports whether a process exists and is not a zombie: an orphan may wait a while to be
// reaped.
func runs(pid int) bool {
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
		_, state, _ := bytes.Cut(stat, []byte(") ")) // after the name
		return !bytes.HasPrefix(state, []byte("Z")) && !bytes.HasPrefix(state, []byte("X"))
	}
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// waitForWork waits until a worker has computed for a while: it has said hello, and holds a piece.
func waitForWork(t *testing.T, pid int) {
	t.Helper()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		time.Sleep(time.Second)
		return
	}
	if !within(20*time.Second, func() bool {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 12 {
			return false
		}
		ticks, _ := strconv.Atoi(fields[11]) // user time, in 1/100 s
		return ticks >= 20
	}) {
		t.Fatalf("worker %d does not compute", pid)
	}
}

func checkGone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		if !within(soon, func() bool { return !runs(pid) }) {
			t.Errorf("worker %d still runs", pid)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func within(limit time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

func TestInterrupted(t *testing.T) {
	tests := map[string]struct {
		signal  os.Signal
		status  int
		message string
	}{
		"Ctrl-C": {os.Interrupt, 130, "interrupted"},
		"TERM":   {syscall.SIGTERM, 143, "terminated"},
		"HUP":    {syscall.SIGHUP, 129, "hung up"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := startDriver(t, "pi", "-n", "1e13", "-procs", "3")
			workers := d.workers(t, 3)
			d.signal(t, tt.signal)
			d.fails(t, tt.status, tt.message)
			checkGone(t, workers)
		})
	}
}

// The signal may come at any moment, for example before there is a worker.
func TestInterruptedEarly(t *testing.T) {
	for delay := time.Duration(0); delay < 20*time.Millisecond; delay += 2 * time.Millisecond {
		d := startDriver(t, "pi", "-n", "1e13", "-procs", "2")
		time.Sleep(delay)
		d.signal(t, os.Interrupt)
		// Before main runs, the signal itself ends the process.
		state := d.end(t)
		if s := state.Sys().(syscall.WaitStatus); state.ExitCode() != 130 && s.Signal() != syscall.SIGINT {
			t.Errorf("interrupted after %v: %v, %s", delay, state, d.stderr.String())
		}
	}
}

// Ctrl-C also ends a wait for input.
func TestInterruptedWhileReading(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	d := &driver{cmd: exec.Command("mrrun", "wordcount", "-"), ended: make(chan error, 1)}
	d.cmd.Stdin, d.cmd.Stdout, d.cmd.Stderr = r, &d.stdout, &d.stderr
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	go func() { d.ended <- d.cmd.Wait() }()
	if _, err := io.WriteString(w, "some words"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // nothing shows that mrrun waits
	d.signal(t, os.Interrupt)
	d.fails(t, 130, "interrupted")
}

// A second Ctrl-C right after the first ends the run all the same, by one or the other.
func TestInterruptedTwice(t *testing.T) {
	d := startDriver(t, "pi", "-n", "1e13", "-procs", "2")
	workers := d.workers(t, 2)
	d.signal(t, os.Interrupt)
	_ = d.cmd.Process.Signal(os.Interrupt) // an error means that the first was enough
	state := d.end(t)
	if s := state.Sys().(syscall.WaitStatus); state.ExitCode() != 130 && s.Signal() != syscall.SIGINT {
		t.Errorf("got %v, want the end by SIGINT", state)
	}
	checkGone(t, workers)
}

// What a killed worker computed is computed again: it does not show in the result.
func TestWorkerKilled(t *testing.T) {
	d := startDriver(t, "pi", "-n", "1e11", "-procs", "3")
	workers := d.workers(t, 3)
	waitForWork(t, workers[1])
	if err := syscall.Kill(workers[1], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if state := d.endWithin(t, time.Minute); !state.Success() {
		t.Errorf("got %v, %s", state, d.stderr.String())
	}
	if got := d.stdout.String(); got != "3.141592653579793\n" {
		t.Errorf("got %q", got)
	}
	checkGone(t, workers)
}

func TestDriverKilled(t *testing.T) {
	d := startDriver(t, "pi", "-n", "1e13", "-procs", "3")
	workers := d.workers(t, 3)
	d.signal(t, os.Kill)
	d.end(t)
	checkGone(t, workers)
}

// A run that fails leaves the file that was there, and nothing else, before and at its end.
func TestFailedRunKeepsOut(t *testing.T) {
	for _, by := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGKILL} {
		t.Run(by.String(), func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, "digits.txt")
			if err := os.WriteFile(out, []byte("what was there before"), 0o666); err != nil {
				t.Fatal(err)
			}
			d := startDriver(t, "factorial", "--range", "10000:100000", "--out", out, "-procs", "2")
			d.workers(t, 2)
			waitForDigits(t, d.pid(), dir)
			checkFiles(t, dir, 1)
			d.signal(t, by)
			// The driver first writes what it has already received.
			if d.endWithin(t, 10*time.Second+soon).Success() {
				t.Error("mrrun succeeded")
			}
			checkFiles(t, dir, 1)
			if got, err := os.ReadFile(out); string(got) != "what was there before" || err != nil {
				t.Errorf("got %.50q, %v, want the old text", got, err)
			}
		})
	}
}

// waitForDigits waits until a process has written to a file of dir that has no name.
func waitForDigits(t *testing.T, pid int, dir string) {
	t.Helper()
	open := fmt.Sprintf("/proc/%d/fd", pid)
	if _, err := os.Stat(open); err != nil {
		return // macOS does not show it
	}
	if !within(20*time.Second, func() bool {
		entries, _ := os.ReadDir(open)
		for _, entry := range entries {
			fd := filepath.Join(open, entry.Name())
			name, _ := os.Readlink(fd)
			if info, err := os.Stat(fd); strings.HasPrefix(name, dir) && err == nil && info.Size() > 0 {
				return true
			}
		}
		return false
	}) {
		t.Fatal("mrrun writes no digits")
	}
}

func checkFiles(t *testing.T, dir string, want int) {
	t.Helper()
	if entries, err := os.ReadDir(dir); len(entries) != want || err != nil {
		t.Errorf("got files %v, %v, want %d", entries, err, want)
	}
}

// Ctrl-C also ends work in the driver itself: here the serial run of --compare.
func TestInterruptedInDriver(t *testing.T) {
	d := startDriver(t, "factorial", "-n", "3e6", "-procs", "2", "--compare")
	workers := d.workers(t, 2)
	time.Sleep(500 * time.Millisecond)
	d.signal(t, os.Interrupt)
	d.fails(t, 130, "interrupted")
	checkGone(t, workers)
}
