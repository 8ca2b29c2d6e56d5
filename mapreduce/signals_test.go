//go:build linux

package mapreduce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// signalTask sends its own process a signal, and returns when it has been delivered.
var signalTask = Func(func(s syscall.Signal) int {
	_ = syscall.Kill(os.Getpid(), s)
	for signalMask("ShdPnd")>>(s-1)&1 == 1 {
		time.Sleep(time.Millisecond)
	}
	return os.Getpid()
})

// signalMask returns one of the sets of signals that /proc shows for this process.
func signalMask(name string) (set uint64) {
	all, _ := os.ReadFile("/proc/self/status")
	for line := range bytes.Lines(all) {
		if hex, ok := bytes.CutPrefix(line, []byte(name+":")); ok {
			set, _ = strconv.ParseUint(string(bytes.TrimSpace(hex)), 16, 64)
		}
	}
	return set
}

// A service manager, or a terminal, may signal all processes of a program. The driver decides what
// to do: while it lives, its workers continue, and nothing is computed twice.
func TestWorkersLeaveSignalsToTheirDriver(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(1), silent())
	first := p.Workers()[0].PID
	for _, s := range slices.Repeat([]syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}, 10) {
		if pid, err := signalTask.Apply(t.Context(), p, s); pid != first || err != nil {
			t.Fatalf("after %v: worker %d instead of %d, %v", s, pid, first, err)
		}
	}
	if s := p.Stats(); s.Lost+s.Retried > 0 {
		t.Errorf("%+v", s)
	}
}

// What [Process.Signal] says about SIGTERM and SIGHUP holds, although workers of a pool ignore
// them.
func TestProcessSignalEnds(t *testing.T) {
	checkLeaks(t)
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		p := startCling(t, t.Context(), "stays")
		if err := p.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		if err := p.Signal(s); err != nil {
			t.Error(err)
		}
		_, err := p.Wait()
		if died, ok := errors.AsType[*ExitError](err); !ok || died.Signal != s {
			t.Errorf("after %v: %v", s, err)
		}
	}
}

func init() {
	scenarios["interrupted"] = func() {
		Main(func(ctx context.Context) error {
			pool, err := NewPool(ctx, Procs(1))
			if err != nil {
				return err
			}
			defer pool.Close()
			fmt.Println("driver", os.Getpid())
			_, err = obeyTask.Apply(ctx, pool, order{Do: "wait"})
			fmt.Println("canceled", errors.Is(err, context.Canceled), errors.Is(context.Cause(ctx), context.Canceled), errors.Is(pool.Close(), context.Canceled))
			return err
		})
	}
}

// After a signal, errors are those of a cancelled context, as they would be without a signal.
func TestSignalCancels(t *testing.T) {
	checkLeaks(t)
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		p := start(t, "interrupted", thisBinary(nil))
		driver := p.awaitPID("driver", 1)[0]
		p.awaitPID("worker", 1)
		_ = syscall.Kill(driver, s)
		if got := p.await("canceled", 1)[0]; got != "true true true" {
			t.Errorf("%v: %s", s, got)
		}
		if code := p.exit(); code != 128+int(s) {
			t.Errorf("%v: exit status %d", s, code)
		}
	}
}

// A signal that was ignored when the program started stays ignored, as under nohup.
func TestIgnoredSignalsStayIgnored(t *testing.T) {
	checkLeaks(t)
	p := start(t, "work", thisBinary([]string{"sh", "-c", `trap "" INT HUP; exec "$0"`}), doVariable+"=wait")
	driver := p.awaitPID("driver", 1)[0]
	worker := p.awaitPID("worker", 1)[0]
	for _, pid := range []int{worker, driver} {
		_ = syscall.Kill(pid, syscall.SIGINT)
		_ = syscall.Kill(pid, syscall.SIGHUP)
	}
	fmt.Fprintln(p.in, "cancel")
	if got := p.await("over", 1)[0]; !strings.Contains(got, "context canceled") {
		t.Errorf("the call ended with %s", got)
	}
	_ = syscall.Kill(driver, syscall.SIGTERM)
	if code := p.exit(); code != 143 {
		t.Errorf("exit status %d; stderr:\n%s", code, &p.stderr)
	}
}

// terminalTask reads the terminal of its program, changes its settings, and returns the outcome.
var terminalTask = Func(func(int) string {
	terminal, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return err.Error()
	}
	defer terminal.Close()
	settings, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err == nil {
		err = unix.IoctlSetTermios(int(terminal.Fd()), unix.TCSETS, settings)
	}
	_, readErr := terminal.Read(make([]byte, 1))
	return fmt.Sprint(err, ", ", readErr)
})

func init() {
	scenarios["terminal"] = func() {
		Main(func(ctx context.Context) error {
			pool, err := NewPool(ctx, Procs(1))
			if err != nil {
				return err
			}
			defer pool.Close()
			said, err := terminalTask.Apply(ctx, pool, 0)
			fmt.Println("terminal", said)
			return err
		})
	}
}

// A task that reads the terminal gets an error instead of being stopped.
func TestTaskReadsTerminal(t *testing.T) {
	checkLeaks(t)
	master, terminal := newTerminal(t)
	defer master.Close()
	cmd := thisBinary(nil)
	cmd.ExtraFiles = []*os.File{terminal}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	p := start(t, "terminal", cmd)
	terminal.Close()
	if got, want := p.await("terminal", 1)[0], "<nil>, read /dev/tty: input/output error"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if code := p.exit(); code != 0 {
		t.Errorf("exit status %d; stderr:\n%s", code, &p.stderr)
	}
}

// newTerminal returns both ends of a terminal.
func newTerminal(t *testing.T) (master, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, terminal
}

// Ctrl-Z reaches only the driver, and stops all processes below it; they continue when it does.
func TestStopOfDriver(t *testing.T) {
	checkLeaks(t)
	for _, s := range []state{{do: "busy", child: "runs", workers: 2, children: 2}, {do: "nested", child: "runs", workers: 4, children: 4}} {
		t.Run(s.do, func(t *testing.T) {
			cmd := thisBinary(nil)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as a shell does
			p := start(t, "work", cmd, s.environment()...)
			driver := p.awaitPID("driver", 1)[0]
			s.reach(p, 1)
			for range 2 {
				_ = syscall.Kill(driver, syscall.SIGTSTP)
				awaitStopped(p, true)
				_ = syscall.Kill(driver, syscall.SIGCONT)
				awaitStopped(p, false)
			}
			_ = syscall.Kill(driver, syscall.SIGTERM)
			if code := p.exit(); code != 143 {
				t.Errorf("exit status %d, stderr:\n%s", code, &p.stderr)
			}
		})
	}
}

// If no shell could continue the driver, or Ctrl-Z was ignored when it started, nothing is stopped.
func TestStopWithoutEffect(t *testing.T) {
	checkLeaks(t)
	for _, wrapper := range [][]string{nil, {"sh", "-c", `trap "" TSTP; exec "$0"`}} {
		cmd := thisBinary(wrapper)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: wrapper == nil, Setpgid: wrapper != nil}
		p := start(t, "work", cmd, doVariable+"=wait")
		driver := p.awaitPID("driver", 1)[0]
		p.awaitPID("worker", 1)
		_ = syscall.Kill(driver, syscall.SIGTSTP)
		fmt.Fprintln(p.in, "cancel")
		p.await("over", 1)
		awaitStopped(p, false)
		p.in.Close()
		if code := p.exit(); code != 0 {
			t.Errorf("%q: exit status %d, stderr:\n%s", wrapper, code, &p.stderr)
		}
	}
}

// awaitStopped waits until all processes of a program are stopped, or none is.
func awaitStopped(p *program, want bool) {
	p.t.Helper()
	eventually(p.t, hangTime, func() error {
		for _, pid := range p.family() {
			if state, _ := status(pid); (state == 'T') != want {
				return fmt.Errorf("%s, want it stopped: %t", describe(pid), want)
			}
		}
		return nil
	})
}
