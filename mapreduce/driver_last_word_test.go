//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var lastWordTask *Task[string, int]

func init() { lastWordTask = FuncContext(sayLast) } // not in its declaration: it starts itself

// sayLast leaves something to do for the end of its process.
func sayLast(ctx context.Context, how string) (pid int, err error) {
	switch how {
	case "print":
		slog.Info("a record")
		fmt.Fprintln(os.Stderr, "runtime: failed to create new OS thread") // as if it crashed
		fmt.Print("a line\nwithout a newline")
	case "sleep":
		time.Sleep(100 * time.Millisecond)
		fmt.Println("slept")
	case "hang":
		select {}
	case "leave a program":
		sleeper := exec.Command("sleep", "1000")
		sleeper.Stdout, sleeper.Stderr = os.Stdout, os.Stderr
		err = sleeper.Start()
		return sleeper.Process.Pid, err
	default: // start another
		_, err = lastWordTask.Start(ctx, strings.TrimPrefix(how, "start "))
	}
	return os.Getpid(), err
}

// startSaying starts sayLast. The lines that its process prints have come when Wait has returned.
func startSaying(t *testing.T, how string, opts ...ProcessOption) (p *Process[int], lines func() string) {
	t.Helper()
	var printed [2]strings.Builder // each stream has its goroutine, but Output calls one at a time
	p, err := lastWordTask.Start(t.Context(), how, append(opts, Output(func(l OutputLine) {
		if l.Stderr {
			printed[1].WriteString(l.Text + "\n")
		} else {
			printed[0].WriteString(l.Text + "\n")
		}
	}))...)
	if err != nil {
		t.Fatal(err)
	}
	return p, func() string { return printed[0].String() + printed[1].String() }
}

// Wait returns when the process has said its last word, and does not wait until the system has
// removed it. Whether it was removed that fast is chance, but not each time.
func TestProcessWaitDoesNotWaitForReaping(t *testing.T) {
	checkLeaks(t)
	early := func() bool {
		p := startDeed(t, "")
		if _, err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-p.link.process.Ended():
			return false
		default:
		}
		if p.Alive() || p.Kill() != os.ErrProcessDone || len(Processes()) > 0 {
			t.Errorf("process %d is alive after Wait", p.PID())
		}
		if exit, ended := p.Exit(); !ended || exit.Code != 0 || exit.CPU <= 0 || !dead(p.PID()) {
			t.Errorf("%+v, ended %t, %s", exit, ended, describe(p.PID()))
		}
		return true
	}
	for until := time.Now().Add(hangTime); !early(); {
		if time.Now().After(until) {
			t.Fatal("Wait has always waited until the process was reaped")
		}
	}
}

func TestProcessLastWordIsLast(t *testing.T) {
	checkLeaks(t)
	records := new(atomic.Int64)
	p, lines := startSaying(t, "print", Logger(handlerFunc(func() {
		time.Sleep(20 * time.Millisecond)
		records.Add(1)
	})))
	if _, err := p.Wait(); err != nil {
		t.Error(err)
	}
	const want = "a line\nwithout a newline\nruntime: failed to create new OS thread\n"
	if got := lines(); got != want || records.Load() != 1 {
		t.Errorf("it printed %q and logged %d records when Wait returned", got, records.Load())
	}

	p, lines = startSaying(t, "start start sleep") // its last work is to wait for a process
	if _, err := p.Wait(); err != nil {
		t.Error(err)
	}
	if got := lines(); !strings.HasSuffix(got, "slept\n") {
		t.Errorf("its processes printed %q when Wait returned", got)
	}
}

// A process that is killed after its result and before its last word is waited for until it was
// reaped, and its result counts.
func TestProcessKilledBeforeItsLastWord(t *testing.T) {
	checkLeaks(t)
	p, _ := startSaying(t, "start hang")
	eventually(t, hangTime, func() error {
		p.link.mu.Lock()
		defer p.link.mu.Unlock()
		if !strings.HasPrefix(p.link.leavingWith, "the processes") {
			return errors.New("it does not wait for its process yet")
		}
		return nil
	})
	if !p.Alive() {
		t.Error("it has ended while its process runs")
	}
	if err := p.Kill(); err != nil {
		t.Error(err)
	}
	if pid, err := p.Wait(); pid != p.PID() || err != nil {
		t.Errorf("got %d, %v", pid, err)
	}
	select {
	case <-p.reaped:
	case <-time.After(hangTime): // Done is closed just before
		t.Error("it was not reaped")
	}
	if exit, _ := p.Exit(); exit.Signal != syscall.SIGKILL {
		t.Errorf("%+v", exit)
	}
}

// Exit waits for the end of what the task has left running, even if it holds the output.
func TestProcessExitWaitsForPrograms(t *testing.T) {
	checkLeaks(t)
	p, _ := startSaying(t, "leave a program")
	pid, err := p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if code, ended := p.ExitCode(); code != 0 || !ended {
		t.Errorf("exit code %d, ended %t", code, ended)
	}
	eventually(t, deathTime, func() error {
		if !dead(pid) { // it was killed, and is another's to reap
			return errors.New(describe(pid))
		}
		return nil
	})
}

// The end of the context just after Wait does not touch a process that exits.
func TestProcessContextEndsAfterItsLastWord(t *testing.T) {
	checkLeaks(t)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		p, err := deedTask.Start(ctx, deed{N: 7}, silent())
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Wait()
		cancel()
		if exit, _ := p.Exit(); exit.Code != 0 || err != nil || p.Err() != nil {
			t.Fatalf("%+v, %v, %v", exit, err, p.Err())
		}
	}
}
