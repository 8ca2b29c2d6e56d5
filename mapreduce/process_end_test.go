//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func init() {
	scenarios["processes"] = func() {
		Main(func(ctx context.Context) error {
			fmt.Println("driver", os.Getpid())
			return startThree(ctx)
		})
	}
	scenarios["processes under Init"] = func() {
		Init()
		fmt.Println("driver", os.Getpid())
		_ = startThree(context.Background())
	}
}

// Environment variables of the scenarios.
const (
	fileVariable = "MRRUN_TEST_FILE" // file that a process leaves for which Main waits
	endVariable  = "MRRUN_TEST_END"  // how the body ends
)

// startThree starts a process that leaves a file and, if doVariable is set, one that does what it
// says. Then it ends as endVariable says.
func startThree(ctx context.Context) error {
	var opts []ProcessOption
	if os.Getenv(doVariable) == "daemon" {
		opts = append(opts, Daemon())
	}
	if _, err := nestingTask.Start(ctx, nesting{File: os.Getenv(fileVariable)}); err != nil {
		return err
	}
	if do := os.Getenv(doVariable); do != "" {
		if do == "daemon" {
			do = "sleep"
		}
		if _, err := obeyTask.Start(ctx, order{do, os.Getenv(childVariable)}, opts...); err != nil {
			return err
		}
	}
	switch os.Getenv(endVariable) {
	case "word":
		var word string
		_, _ = fmt.Scanln(&word)
	case "error":
		return errors.New("the body failed")
	}
	return nil
}

// At the end of Main's body, Main waits for processes and terminates daemons.
func TestProcessEndOfMain(t *testing.T) {
	checkLeaks(t)
	for _, tt := range []struct {
		name, scenario, do, end string
		code                    int
		waited                  bool
		says                    string
	}{
		{"waits", "processes", "", "", 0, true, ""},
		{"waits after an error", "processes", "", "error", 1, true, ": the body failed\n"},
		{"ends a daemon", "processes", "daemon", "", 0, true, ""},
		{"Init waits for nothing", "processes under Init", "sleep", "", 0, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "over")
			p := start(t, tt.scenario, thisBinary(nil), doVariable+"="+tt.do, childVariable+"=runs", fileVariable+"="+file, endVariable+"="+tt.end)
			if code := p.exit(); code != tt.code || !strings.HasSuffix(p.stderr.String(), tt.says) {
				t.Errorf("exit status %d, stderr %q", code, &p.stderr)
			}
			p.gone(deathTime)
			if _, err := os.Stat(file); (err == nil) != tt.waited {
				t.Errorf("waited for: %t, want %t", err == nil, tt.waited)
			}
		})
	}
}

// Ctrl-C ends a Main that waits for a process. A killed driver takes its processes along, with all
// that they started.
func TestProcessDriverEnds(t *testing.T) {
	checkLeaks(t)
	for _, tt := range []struct {
		do     string
		signal syscall.Signal
		code   int
	}{
		{"sleep", syscall.SIGINT, 130},
		{"wait", syscall.SIGTERM, 143},
		{"busy", syscall.SIGKILL, -1},
		{"daemon", syscall.SIGKILL, -1},
	} {
		t.Run(fmt.Sprint(tt.do, " ", tt.signal), func(t *testing.T) {
			end := ""
			if tt.do == "daemon" {
				end = "word"
			}
			file := filepath.Join(t.TempDir(), "over")
			p := start(t, "processes", thisBinary(nil), doVariable+"="+tt.do, childVariable+"=runs", fileVariable+"="+file, endVariable+"="+end)
			driver := p.awaitPID("driver", 1)[0]
			p.awaitPID("worker", 1)
			_ = syscall.Kill(driver, tt.signal)
			p.gone(2 * deathTime)
			if code := p.exit(); code != tt.code {
				t.Errorf("exit status %d, want %d; stderr:\n%s", code, tt.code, &p.stderr)
			}
		})
	}
}

// What a process started ends with it, however it ends.
func TestProcessGrandchildren(t *testing.T) {
	checkLeaks(t)
	for _, do := range []string{"", "exit", "SIGKILL", "sleep", "busy", "nested"} {
		t.Run(do, func(t *testing.T) {
			lines := make(chan string, 100)
			p, err := obeyTask.Start(t.Context(), order{do, "runs"}, Output(func(l OutputLine) { lines <- l.Text }))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int{"nested": 4}[do]
			if want == 0 {
				want = 2
			}
			var pids []int
			for len(pids) < want {
				var word string
				var pid int
				line := <-lines
				line = line[strings.LastIndex(line, "] ")+1:]
				if _, err := fmt.Sscan(line, &word, &pid); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				if word = strings.TrimSpace(word); word == "child" || word == "worker" {
					pids = append(pids, pid)
				}
			}
			switch do {
			case "sleep":
				_ = p.Kill()
			case "busy", "nested":
				_ = p.Terminate()
			}
			<-p.Done()
			eventually(t, deathTime, func() error {
				for _, pid := range pids {
					if !dead(pid) {
						return errors.New("it lives: " + describe(pid))
					}
				}
				return nil
			})
		})
	}
}
