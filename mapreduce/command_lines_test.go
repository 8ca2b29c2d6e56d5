//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	sedLines   = Command("sed", "-u", "s/a/b/")
	failAtStop = Command("sh", "-c", `while read line; do [ "$line" = stop ] && exit 3; echo "<$line>"; done`)
	noProgram  = Command("there-is-no-such-program")
	pidOrHang  = Command("sh", "-c", `while read line; do [ "$line" = hang ] && exec sleep 1000; echo $$; done`)
)

func TestCommand(t *testing.T) {
	for _, program := range []string{"cat", "sed", "sh"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the program %s is missing: %v", program, err)
		}
	}
	p := newPool(t)
	args := []string{"", "a", "banana", "ä\x00\xff\r", strings.Repeat("long", 500_000), "end"}
	if got, err := catLines.Map(t.Context(), p, args, Timeout(20*time.Second)); err != nil || !slices.Equal(got, args) {
		t.Errorf("cat: %.100q, %v", got, err)
	}
	if got, err := sedLines.Map(t.Context(), p, []string{"", "a", "banana"}); err != nil || !slices.Equal(got, []string{"", "b", "bbnana"}) {
		t.Errorf("sed: %q, %v", got, err)
	}
	if name := sedLines.Name(); name != "command sed -u s/a/b/" {
		t.Errorf("its name is %q", name)
	}
	got, err := failAtStop.Map(t.Context(), p, []string{"a", "stop", "b"}, Chunksize(3))
	if failed, ok := errors.AsType[TaskErrors](err); !ok || len(failed) != 1 || failed[0].Index != 1 || !strings.Contains(failed[0].Msg, "exit status 3") {
		t.Errorf("a program that ends: %v", err)
	}
	if want := []string{"<a>", "", "<b>"}; !slices.Equal(got, want) {
		t.Errorf("a program that ends: %q", got)
	}
	if _, err := noProgram.Apply(t.Context(), p, "a"); err == nil || strings.Count(err.Error(), "there-is-no-such-program") != 1 {
		t.Errorf("no program: %v", err)
	}
	if _, err := catLines.Apply(t.Context(), p, "a\nb"); err == nil || !strings.Contains(err.Error(), "newline") {
		t.Errorf("two lines: %v", err)
	}
	if got, err := catLines.Apply(t.Context(), p, "after"); err != nil || got != "after" {
		t.Errorf("%q, %v", got, err)
	}
	if lost := p.Stats().Lost; lost > 0 {
		t.Errorf("%d workers were lost", lost)
	}
}

// awaitDeath fails the test unless the process ends soon.
func awaitDeath(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); !dead(n); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process %d is still there", n)
		}
	}
}

func TestCommandCancelled(t *testing.T) {
	p := newPool(t, Procs(1))
	pid, err := pidOrHang.Apply(t.Context(), p, "pid")
	if err != nil {
		t.Fatal(err)
	}
	worker := p.Workers()[0]
	if _, err := pidOrHang.Apply(t.Context(), p, "hang", Timeout(100*time.Millisecond)); !errors.Is(err, ErrTimeout) {
		t.Errorf("timeout: %v", err)
	}
	awaitDeath(t, pid)
	ctx, cancel := context.WithCancel(t.Context())
	f := pidOrHang.ApplyAsync(ctx, p, "hang")
	next := pidOrHang.ApplyAsync(t.Context(), p, "pid")
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := f.Get(t.Context()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if got, err := next.Get(t.Context()); err != nil || got == pid {
		t.Errorf("%q, %v", got, err)
	}
	if now := p.Workers(); p.Stats().Lost == 0 && now[0] != worker {
		t.Errorf("worker %v has become %v", worker, now)
	}
}

func TestCommandDiesWithItsWorker(t *testing.T) {
	for what, options := range map[string][]PoolOption{"process": nil, "goroutine": {InProcess()}} {
		t.Run(what, func(t *testing.T) {
			p, err := NewPool(t.Context(), append(options, Procs(1))...)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := pidOrHang.Apply(t.Context(), p, "pid")
			if err != nil {
				t.Fatal(err)
			}
			if what == "process" {
				_ = syscall.Kill(p.Workers()[0].PID, syscall.SIGKILL)
				awaitDeath(t, pid)
				if pid, err = pidOrHang.Apply(t.Context(), p, "pid"); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			awaitDeath(t, pid)
		})
	}
}
