//go:build linux

package mapreduce

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"weak"

	"go.uber.org/goleak"

	"mrrun/internal/shm"
)

const (
	deathTime = time.Second      // what must end must have ended after this time
	hangTime  = 20 * time.Second // a test that waits longer for a line hangs
)

// checkLeaks fails the test if, at its end, it leaves a child process (even a zombie, for which
// nothing waited), an open descriptor, a goroutine, or a file in /dev/shm. A test that calls it
// must not run in parallel with others; its subtests may.
func checkLeaks(t *testing.T) {
	t.Helper()
	useForGood(t)
	goroutines := goleak.IgnoreCurrent()
	descriptors, shm := openDescriptors(), entries("/dev/shm")
	t.Cleanup(func() {
		eventually(t, deathTime, func() error {
			return errors.Join(
				unexpected("child process", children(os.Getpid()), nil),
				unexpected("descriptor", openDescriptors(), descriptors),
				unexpected("entry of /dev/shm", entries("/dev/shm"), shm),
			)
		})
		starter := goleak.IgnoreAnyFunction("mrrun/mapreduce/internal/proc.runJobs") // lives as long as the process
		if err := goleak.Find(goroutines, starter); err != nil {
			t.Error(err)
		}
	})
}

// useForGood opens the descriptors that the runtime and shared memory keep open for ever.
func useForGood(t *testing.T) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	w.Close()
	_, _ = shm.Self()
}

func unexpected(what string, now, before []string) error {
	now = slices.DeleteFunc(now, func(s string) bool { return slices.Contains(before, s) })
	if len(now) == 0 {
		return nil
	}
	return fmt.Errorf("left over: %s %s", what, strings.Join(now, ", "))
}

// fewPolls is fewer polls than fit into deathTime, unless the machine is so busy that the test does
// not run either.
const fewPolls = 150

// eventually polls check until it returns nil, and fails the test if it does not within limit.
func eventually(t *testing.T, limit time.Duration, check func() error) {
	t.Helper()
	start := time.Now()
	for polls := 0; ; polls++ {
		late := time.Since(start) > limit && (polls > fewPolls || limit == 0)
		err := check()
		if err == nil {
			return
		}
		if late {
			t.Errorf("after %v: %v", limit, err)
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func openDescriptors() []string {
	var all []string
	for _, name := range entries("/proc/self/fd") {
		if target, err := os.Readlink("/proc/self/fd/" + name); err == nil { // not the listing
			all = append(all, name+"="+target)
		}
	}
	return all
}

func entries(dir string) []string {
	list, _ := os.ReadDir(dir)
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// processes returns the IDs of all processes.
func processes() []int {
	var all []int
	for _, name := range entries("/proc") {
		if pid, err := strconv.Atoi(name); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

// status returns a process's state letter and its parent. A process that does not exist is in state
// X.
func status(pid int) (state byte, parent int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 'X', 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // a name may contain anything
	parent, _ = strconv.Atoi(string(fields[1]))
	return fields[0][0], parent
}

// dead reports whether a process has ended. Process 1 of a container may never reap, so a zombie
// counts as dead.
func dead(pid int) bool {
	state, _ := status(pid)
	return state == 'Z' || state == 'X'
}

func describe(pid int) string {
	state, _ := status(pid)
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return fmt.Sprintf("%d(%c %s)", pid, state, strings.TrimRight(strings.ReplaceAll(string(line), "\x00", " "), " "))
}

func children(of int) []string {
	var all []string
	for _, pid := range processes() {
		if _, parent := status(pid); parent == of {
			all = append(all, describe(pid))
		}
	}
	return all
}

// An idle pool keeps neither its last arguments nor its last results.
func TestIdlePoolKeepsNothing(t *testing.T) {
	p := newPool(t)
	var arg, result weak.Pointer[byte]
	func() {
		args := [][]byte{make([]byte, 1000), make([]byte, 1000)}
		results, err := cloned.Map(t.Context(), p, args, Chunksize(1))
		if err != nil {
			t.Fatal(err)
		}
		arg, result = weak.Make(&args[1][0]), weak.Make(&results[1][0])
	}()
	eventually(t, hangTime, func() error {
		if runtime.GC(); arg.Value() != nil || result.Value() != nil {
			return errors.New("it is still there")
		}
		return nil
	})
}
