//go:build linux

package mapreduce

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A program is a scenario that runs in processes of its own.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     *os.File // its standard input
	lines  chan string
	stderr lockedBuffer
	mark   string // in the environment of all its processes, whatever their parent is by now
	temp   string
	exited chan struct{}
}

const markVariable = "MRRUN_TEST_MARK"

var programs atomic.Int64

// thisBinary is this test binary, run by wrapper if that is not empty.
func thisBinary(wrapper []string) *exec.Cmd {
	argv := append(slices.Clone(wrapper), os.Args[0])
	return exec.Command(argv[0], argv[1:]...)
}

// start starts a scenario; cmd runs this binary.
func start(t *testing.T, scenario string, cmd *exec.Cmd, env ...string) *program {
	t.Helper()
	p := &program{
		t: t, cmd: cmd, temp: t.TempDir(), lines: make(chan string, 100), exited: make(chan struct{}),
		mark: fmt.Sprintf("%s=%d.%d", markVariable, os.Getpid(), programs.Add(1)),
	}
	cmd.Env = slices.Concat(os.Environ(), env, []string{
		scenarioVariable + "=" + scenario, p.mark, "TMPDIR=" + p.temp, "GORACE=atexit_sleep_ms=0", "GOTRACEBACK=none",
	})
	cmd.Stderr = &p.stderr
	cmd.WaitDelay = deathTime
	stdin, in := pipe(t)
	out, stdout := pipe(t)
	cmd.Stdin, cmd.Stdout, p.in = stdin, stdout, in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stdin.Close()
	stdout.Close()
	go p.read(out)
	go func() {
		_ = cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(p.cleanUp)
	return p
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// lineOrigin matches the beginnings of lines of workers, and of workers of workers.
var lineOrigin = regexp.MustCompile(`^(\[(worker |Process-)[^]]*\] )+`)

func (p *program) read(out *os.File) {
	defer out.Close()
	defer close(p.lines)
	for s := bufio.NewScanner(out); s.Scan(); {
		p.lines <- lineOrigin.ReplaceAllString(s.Text(), "")
	}
}

// cleanUp kills the remaining processes, and fails the test if the program has left files.
func (p *program) cleanUp() {
	p.in.Close()
	for _, pid := range p.family() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	for range p.lines {
	}
	<-p.exited
	if left := entries(p.temp); len(left) > 0 {
		p.t.Errorf("left over in the folder for temporary files: %v", left)
	}
}

// family returns the live processes that the program started, including itself.
func (p *program) family() []int {
	var alive []int
	for _, pid := range processes() {
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err == nil && slices.Contains(strings.Split(string(env), "\x00"), p.mark) && !dead(pid) {
			alive = append(alive, pid)
		}
	}
	return alive
}

// gone fails the test unless all processes of the program end within limit.
func (p *program) gone(limit time.Duration) {
	p.t.Helper()
	p.only(limit, func(int) bool { return false })
}

// only fails the test unless within limit the only live processes of the program are those for
// which may returns true.
func (p *program) only(limit time.Duration, may func(pid int) bool) {
	p.t.Helper()
	eventually(p.t, limit, func() error {
		var alive []string
		for _, pid := range p.family() {
			if !may(pid) {
				alive = append(alive, describe(pid))
			}
		}
		return unexpected("process", alive, nil)
	})
}

// await reads lines up to the n-th that begins with word, and returns what follows the word in
// those n.
func (p *program) await(word string, n int) []string {
	p.t.Helper()
	var found []string
	timeout := time.After(hangTime)
	for len(found) < n {
		select {
		case line, ok := <-p.lines:
			if !ok {
				<-p.exited
				p.t.Fatalf("%d of %d lines with %q; %v, stderr:\n%s", len(found), n, word, p.cmd.ProcessState, &p.stderr)
			}
			if rest, ok := strings.CutPrefix(line, word+" "); ok {
				found = append(found, rest)
			}
		case <-timeout:
			p.t.Fatalf("%d of %d lines with %q after %v", len(found), n, word, hangTime)
		}
	}
	return found
}

// awaitPID is await for process IDs.
func (p *program) awaitPID(word string, n int) []int {
	p.t.Helper()
	var pids []int
	for _, text := range p.await(word, n) {
		pid, err := strconv.Atoi(text)
		if err != nil {
			p.t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// exit waits for the program's end and returns its exit status; -1 after a signal.
func (p *program) exit() int {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(hangTime):
		p.t.Fatalf("it still runs after %v", hangTime)
		return 0
	}
}

// suspend stops processes and returns when they have stopped.
func suspend(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, deathTime, func() error {
		for _, pid := range pids {
			if state, _ := status(pid); state != 'T' {
				return errors.New("not stopped: " + describe(pid))
			}
		}
		return nil
	})
}

// copyOfBinary returns the path of a copy of this test binary in a folder of the test. Another
// process writes the copy: a file that this process had open for writing could not be run while
// some fork holds it.
func copyOfBinary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy")
	if out, err := exec.Command("cp", os.Args[0], path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}
