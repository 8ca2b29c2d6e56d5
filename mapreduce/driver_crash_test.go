//go:build linux

package mapreduce

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A crash in C code is reported as such, in the error, the log and the printed lines, each with the
// relevant part of the dump. The whole dump is in the error's Stderr, and is printed on request.
func TestCrashInC(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crashincgo")
	build := exec.Command("go", "build", "-o", path, "./testdata/crashincgo")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	run := func(traceback string, args ...string) (stdout, stderr string) {
		t.Helper()
		cmd := exec.Command(path, args...)
		var out, errs bytes.Buffer
		cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), "GOTRACEBACK="+traceback), &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %s", err, &errs)
		}
		return out.String(), errs.String()
	}
	const end, reason = "exit status 2 after SIGSEGV in C code", "signal arrived during cgo execution"
	stdout, stderr := run("single")
	for what, text := range map[string]string{"error": stdout, "standard error": stderr} {
		if strings.Count(text, end) != 1 || strings.Count(text, reason) != 1 || strings.Count(text, "main.go:18") != 1 ||
			strings.Contains(text, "runtime.") || strings.Count(text, "\n") > 12 {
			t.Errorf("%s:\n%s", what, text)
		}
	}
	if stdout, _ = run("single", "whole"); strings.Count(stdout, "\n") < 70 || !strings.Contains(stdout, "runtime.gopark") {
		t.Errorf("Stderr:\n%s", stdout)
	}
	if _, stderr = run("all"); strings.Count(stderr, "\n") < 70 {
		t.Errorf("standard error with GOTRACEBACK=all:\n%s", stderr)
	}
}

// A stack overflow has a dump of hundreds of lines.
func TestOverflowIsCut(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(1), silent())
	_, err := deedTask.Map(t.Context(), p, deeds(t.TempDir(), 1, "overflow", 1000, 0), Retries(0))
	lost := lostItem(t, err, 0)
	if text := lost.Error(); strings.Count(text, "\n") > 30 || !strings.Contains(text, "fatal error: stack overflow") || !strings.Contains(text, "mapreduce.overflow(") {
		t.Errorf("the error: %s", text)
	}
	if strings.Count(lost.Stderr, "\n") < 100 {
		t.Errorf("Stderr: %s", lost.Stderr)
	}
}

// fatalJob crashes in Map, which no recover can prevent.
type fatalJob struct{}

func (fatalJob) Map(context.Context, int, func(int, int)) error { crash(); return nil }

func (fatalJob) Combine(a, b int) int { return a + b }

func fatal(context.Context, int) (int, error) { crash(); return 0, nil }

//go:noinline
func crash() { new(sync.Mutex).Unlock() }

var (
	fatalJobs  = NewJob[fatalJob]("fatalJob")
	fatalState = NewState(fatal, nil)
	fatalTask  = FuncContext(fatal)
)

// The report of a crash ends with the user's frames, whatever called them.
func TestCrashShowsFramesOfUser(t *testing.T) {
	_, started := NewPool(t.Context(), Procs(1), fatalState.Initializer(1), silent())
	p := newPool(t, Procs(1), Retries(0), silent())
	_, mapped := fatalTask.Map(t.Context(), p, []int{1})
	_, ran := fatalJobs.Run(t.Context(), p, fatalJob{}, []int{1})
	for what, err := range map[string]error{"initializer": started, "task": mapped, "job": ran} {
		text := fmt.Sprint(err)
		if !strings.Contains(text, "unlock of unlocked mutex") || !strings.Contains(text, "mapreduce.crash(") {
			t.Errorf("%s: %s", what, text)
		}
		for _, ours := range []string{"(*worker)", "(*Task[", "(*Job[", "(*State[", "mapPiece", "callSafely", "safely("} {
			if strings.Contains(text, ours) {
				t.Errorf("%s: a frame of %s: %s", what, ours, text)
			}
		}
	}
}
