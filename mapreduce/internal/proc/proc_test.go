//go:build linux

package proc

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mrrun/transport"
)

// The variable that says what a worker of these tests does, from startTest.
const doVariable = "MRRUN_TEST_DO"

func TestMain(m *testing.M) {
	if limit := os.Getenv("MRRUN_TEST_NPROC"); limit != "" && !Marked() {
		playNoProcesses()
	}
	w, err := Enter()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(ExitNoWorker)
	}
	if w == nil {
		os.Exit(m.Run())
	}
	work(w, os.Getenv(doVariable))
}

func work(w *Worker, do string) {
	switch do {
	case "garbage":
		_, _ = io.WriteString(w.Answers, strings.Repeat("garbage ", 10))
	case "wrong kind":
		out := transport.NewWriter(w.Answers)
		_, _ = out.Add(KindStop, 0, nil)
		_ = out.Flush()
	case "old version":
		_ = w.Hello(Hello{Version: Version - 1})
	case "silent":
		time.Sleep(time.Hour)
	case "stops":
		runtime.LockOSThread()
		_ = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGSTOP) // at once: another thread would say hello before it stops
		_ = w.Hello(testHello)
		time.Sleep(time.Hour)
	case "deaf":
		_ = w.Hello(testHello)
		time.Sleep(time.Hour)
	case "environment":
		fmt.Println(os.Getenv("GOMAXPROCS"), os.Getenv(variable), os.Getenv(unsetVariable), os.Getenv("GORACE"), w.ID)
		_ = w.Hello(testHello)
	default:
		_ = w.Hello(testHello)
		_, _ = io.Copy(io.Discard, w.Requests)
	}
	os.Exit(3)
}

var testHello = Hello{Version: Version, Fingerprint: 7, Tasks: []string{"a", "b"}}

// startTest starts a worker that does as it is told, and returns the result of its hello.
func startTest(t *testing.T, do string, output OutputFunc) (*Process, error) {
	t.Helper()
	t.Setenv(doVariable, do)
	p, err := Start(Spec{ID: 5, MaxProcs: 3, Output: output})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		p.Exit()
		p.Close()
	})
	limit := HelloTime
	if do == "silent" {
		limit = time.Second
	}
	return p, p.Hello(t.Context(), transport.NewReader(p.Answers, 0), testHello, limit)
}

// Ctrl-Z stops the workers that run, and does not continue those that were stopped before.
func TestSuspendWithDriver(t *testing.T) {
	runs, err := startTest(t, "deaf", nil)
	if err != nil {
		t.Fatal(err)
	}
	rests, err := startTest(t, "deaf", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = rests.Signal(syscall.SIGSTOP, true)
	awaitStopped(rests)
	if got := living.suspend(); len(got) != 1 || got[0] != runs {
		t.Errorf("suspended %v, want process %d", got, runs.PID())
	}
}

func awaitStopped(p *Process) {
	for !p.stopped.Running() {
		time.Sleep(time.Millisecond)
	}
}

// Stop uses the mildest step that works.
func TestStop(t *testing.T) {
	tests := []struct {
		do    string
		grace time.Duration
		stop  bool
		want  string
	}{
		{"", time.Minute, false, "exit status 3"}, // it reads the end of its requests
		{"deaf", 0, false, "killed by SIGKILL"},   // at SIGTERM it kills its group, and so itself
		{"deaf", time.Millisecond, true, "killed by SIGKILL"},
	}
	for _, test := range tests {
		p, err := startTest(t, test.do, nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.stop {
			_ = syscall.Kill(p.PID(), syscall.SIGSTOP)
		}
		p.Stop(test.grace)
		p.Stop(test.grace) // a second time does no harm
		p.Kill()
		if got := p.Exit().String(); got != test.want {
			t.Errorf("%q: %s, want %s", test.do, got, test.want)
		}
	}
}

func TestWorkerEnvironment(t *testing.T) {
	tests := []struct{ gomaxprocs, gorace, want string }{
		{"", "", "  |atexit_sleep_ms=0 5"},
		{"2", "history_size=2", "2  |history_size=2 atexit_sleep_ms=0 5"},
	}
	for _, test := range tests {
		t.Setenv("GOMAXPROCS", test.gomaxprocs)
		t.Setenv("GORACE", test.gorace)
		said := make(chan string, 1)
		p, err := startTest(t, "environment", func(_ bool, _ int, line []byte) { said <- string(line) })
		if err != nil {
			t.Fatal(err)
		}
		p.Exit()
		want := strings.Replace(test.want, "|", " ", 1) + "\n"
		if got := <-said; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A Go program uses the first variable of a name, so there must be no other.
func TestEnvironmentHasNoDoubles(t *testing.T) {
	t.Setenv("GORACE", "halt_on_error=1")
	t.Setenv("GOMAXPROCS", "")
	t.Setenv(variable, "old")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	env, err := environment(Spec{ID: 1, MaxProcs: 2}, r, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GORACE=halt_on_error=1 atexit_sleep_ms=0", "GOMAXPROCS=2", variable + "="} {
		key, _, _ := strings.Cut(want, "=")
		found := slices.DeleteFunc(slices.Clone(env), func(e string) bool { return !strings.HasPrefix(e, key+"=") })
		if len(found) != 1 || !strings.HasPrefix(found[0], want) {
			t.Errorf("%q, want %q", found, want)
		}
	}
}

func TestExitString(t *testing.T) {
	tests := []struct {
		exit Exit
		want string
	}{
		{Exit{}, "exit status 0"},
		{Exit{Code: 3}, "exit status 3"},
		{Exit{Code: -1, Signal: syscall.SIGSEGV}, "killed by SIGSEGV"},
		{Exit{Code: -1, Signal: 40}, "killed by signal 40"},
	}
	for _, test := range tests {
		if got := test.exit.String(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
