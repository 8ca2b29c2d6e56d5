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

var (
	printLines = Func(func(n int) int {
		for i := range n {
			fmt.Println("line", i)
		}
		return n
	})

	printAndCrash = Func(func(n int) int {
		for i := range n {
			fmt.Fprintln(os.Stderr, "step", i)
		}
		go panic("the reason")
		select {}
	})

	// leaveEscaped starts a process that leaves the worker's group and holds its standard output.
	leaveEscaped = Func(func(script string) int {
		cmd := exec.Command("sh", "-c", script)
		cmd.Stdout = os.Stdout
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		fmt.Println("started")
		return cmd.Process.Pid
	})

	logsAtItsEnd = NewState(
		func(_ context.Context, n int) (int, error) { return n, nil },
		func(n int) error {
			for i := range n {
				slog.Info("closing", "i", i)
			}
			return nil
		})
)

// manyLines lines stay in the pipe of a worker that ends longer than a few hundred milliseconds, if
// slowLines reads them.
const manyLines = 600

// slowLines counts lines, and takes a millisecond for each, so that lines remain in the worker's
// pipe when it ends.
func slowLines(n *int) WorkerOption {
	return Output(func(OutputLine) {
		*n++
		time.Sleep(time.Millisecond)
	})
}

func TestLastLines(t *testing.T) {
	checkLeaks(t)
	lines := 0
	p, err := NewPool(t.Context(), Procs(1), slowLines(&lines))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := printLines.Apply(t.Context(), p, manyLines); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil || lines != manyLines {
		t.Errorf("pool: %d of %d lines, %v", lines, manyLines, err)
	}
	lines = 0
	one, err := printLines.Start(t.Context(), manyLines, slowLines(&lines))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.Wait(); err != nil || lines != manyLines {
		t.Errorf("process: %d of %d lines, %v", lines, manyLines, err)
	}
}

func TestLastWordsOfACrash(t *testing.T) {
	checkLeaks(t)
	lines := 0
	p, err := NewPool(t.Context(), Procs(1), Retries(0), slowLines(&lines))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_, err = printAndCrash.Apply(t.Context(), p, manyLines)
	if lost, ok := errors.AsType[*WorkerLostError](err); !ok || !strings.Contains(lost.Stderr, "the reason") {
		t.Errorf("%v", err)
	}
	one, err := printAndCrash.Start(t.Context(), manyLines, slowLines(&lines))
	if err != nil {
		t.Fatal(err)
	}
	_, err = one.Wait()
	if exit, ok := errors.AsType[*ExitError](err); !ok || !strings.Contains(exit.Stderr, "the reason") {
		t.Errorf("%v", err)
	}
}

func TestLastRecordsOfAnExitFunction(t *testing.T) {
	checkLeaks(t)
	const records = 2500 // more records than the driver reads ahead
	var got atomic.Int64
	p, err := NewPool(t.Context(), Procs(1), logsAtItsEnd.Initializer(records), Logger(handlerFunc(func() {
		got.Add(1)
		time.Sleep(300 * time.Microsecond)
	})))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil || got.Load() != records {
		t.Errorf("%d of %d records, %v", got.Load(), records, err)
	}
}

// The driver reads the output of a process that escaped from its worker's group, and holds the
// worker's output, for a second, and does not wait for it.
func TestLastLinesOfEscaped(t *testing.T) {
	checkLeaks(t)
	for name, script := range map[string]string{
		"silent": "exec sleep 1000",
		"prints": "while sleep 0.1; do echo more; done",
	} {
		t.Run(name, func(t *testing.T) {
			heard := 0
			began := time.Now()
			lines := outputOf(t, 1, func(p *Pool) {
				pid, err := leaveEscaped.Apply(t.Context(), p, script)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = syscall.Kill(-pid, syscall.SIGKILL) })
				began = time.Now()
			})
			for _, l := range lines {
				if l.Text == "more" {
					heard++
				}
			}
			if lines[0].Text != "started" && lines[0].Text != "more" || (heard > 0) != (name == "prints") {
				t.Errorf("lines: %v", lines)
			}
			if took := time.Since(began); took > hangTime {
				t.Errorf("Close took %v", took)
			}
		})
	}
}
