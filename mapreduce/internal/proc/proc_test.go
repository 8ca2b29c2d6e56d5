//go:build linux

package proc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
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
		_, _ = w.Answers.WriteString(strings.Repeat("garbage ", 10))
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
		p.Answers.Close()
		p.Requests.Close()
	})
	limit := HelloTime
	if do == "silent" {
		limit = time.Second
	}
	return p, p.Hello(t.Context(), transport.NewReader(p.Answers, 0), testHello, limit)
}

func TestHello(t *testing.T) {
	tests := []struct {
		do      string
		noHello bool
		says    string // "" for none
	}{
		{"", false, ""},
		{"garbage", true, "said something else"},
		{"wrong kind", false, "began with a message of kind 2 instead of a hello"},
		{"old version", false, "speaks version 0 of the protocol"},
		{"silent", true, "worker 5 (pid "},
		{"silent", true, "said nothing for 1s (see StartTimeout): killed by SIGKILL"},
	}
	for _, test := range tests {
		t.Run(test.do, func(t *testing.T) {
			_, err := startTest(t, test.do, nil)
			if err == nil && test.says == "" {
				return
			}
			if err == nil || errors.Is(err, ErrNoHello) != test.noHello || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v: no %q, or not the right kind", err, test.says)
			}
		})
	}
}

// The time for which a worker is stopped does not count, however long it is.
func TestHelloOfStoppedWorker(t *testing.T) {
	const limit = 500 * time.Millisecond
	t.Setenv(doVariable, "stops")
	p, err := Start(Spec{ID: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		p.Kill()
		p.Stop(0)
		p.Close()
	}()
	awaitStopped(p)
	time.AfterFunc(2*limit, func() { _ = p.Signal(syscall.SIGCONT, false) })
	if err := p.Hello(t.Context(), transport.NewReader(p.Answers, 0), testHello, limit); err != nil {
		t.Error(err)
	}
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

func TestHelloCancelled(t *testing.T) {
	t.Setenv(doVariable, "silent")
	p, err := Start(Spec{ID: 1})
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := p.Hello(ctx, transport.NewReader(p.Answers, 0), testHello, time.Second); err != why {
		t.Errorf("error %v", err)
	}
	p.Kill()
	p.Stop(0)
	p.Answers.Close()
}

func TestCompareHello(t *testing.T) {
	with := func(tasks ...string) Hello { return Hello{Version: Version, Fingerprint: 7, Tasks: tasks} }
	tests := []struct {
		got  Hello
		says string
	}{
		{with("a", "b"), ""},
		{with("a"), "has not registered task b"},
		{with("a", "b", "c"), "has registered task c, which the driver has not"},
		{with("a", "x"), "has task x where the driver has b"},
		{Hello{Version: Version, Fingerprint: 8, Tasks: []string{"a", "b"}}, "other types"},
		{Hello{Version: 99}, "version 99"},
	}
	for _, test := range tests {
		if err := compare(test.got, testHello); (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v: error %v, want %q", test.got, err, test.says)
		}
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

func TestStartErrorHints(t *testing.T) {
	for errno, hint := range map[syscall.Errno]string{
		syscall.EMFILE: "ulimit -n", syscall.ENFILE: "ulimit -n", syscall.EAGAIN: "ulimit -u", syscall.ENOENT: "",
	} {
		err := startError(Spec{ID: 4}, os.NewSyscallError("fork", errno))
		if !errors.Is(err, errno) || !strings.Contains(err.Error(), "worker 4") || strings.Contains(err.Error(), "ulimit") != (hint != "") ||
			!strings.Contains(err.Error(), hint) {
			t.Errorf("%v", err)
		}
	}
}

// Whichever descriptor is one too many, Start says so and leaves none open.
func TestStartWithoutDescriptors(t *testing.T) {
	if p, err := startTest(t, "", nil); err != nil { // opens what the runtime keeps
		t.Fatal(err)
	} else {
		p.Stop(StopTime)
		p.Answers.Close()
	}
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old) }()
	before := descriptors(t)
	first := lowestFree(t)
	failures := 0
	for extra := range uint64(64) {
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(first) + extra, Max: old.Max})
		p, err := Start(Spec{ID: 1})
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old)
		if err == nil {
			p.Kill()
			p.Exit()
			p.Answers.Close()
			p.Requests.Close()
			break
		}
		failures++
		if !errors.Is(err, syscall.EMFILE) || !strings.Contains(err.Error(), "ulimit -n") {
			t.Errorf("with %d descriptors: %v", extra, err)
		}
	}
	if after := descriptors(t); !slices.Equal(after, before) {
		t.Errorf("descriptors before %v, after %v", before, after)
	}
	if failures < 9 || failures > 60 {
		t.Errorf("%d starts failed", failures)
	}
}

func descriptors(t *testing.T) []string {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range list {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			all = append(all, e.Name()+"="+target)
		}
	}
	return all
}

func lowestFree(t *testing.T) int {
	t.Helper()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return int(f.Fd())
}

// playNoProcesses starts a worker as a user that may have no more processes. Threads count as such,
// and a runtime that cannot start one gives up: those that it needs must exist before, and the
// limit is in force only for a moment.
func playNoProcesses() {
	_, _ = startLocked("", nil, &os.ProcAttr{})
	spareThreads(16)
	var old syscall.Rlimit
	_ = syscall.Getrlimit(unix.RLIMIT_NPROC, &old)
	if os.Getuid() == 0 { // root is not limited
		if err := syscall.Setuid(65534); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	_ = syscall.Setrlimit(unix.RLIMIT_NPROC, &syscall.Rlimit{Max: old.Max})
	_, err := Start(Spec{ID: 1})
	_ = syscall.Setrlimit(unix.RLIMIT_NPROC, &old)
	fmt.Println(errors.Is(err, syscall.EAGAIN), err)
	os.Exit(0)
}

// spareThreads makes the runtime start threads while it may, by holding n of them at the same time.
func spareThreads(n int) {
	var holding, over sync.WaitGroup
	holding.Add(n)
	for range n {
		over.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			holding.Done()
			holding.Wait()
		})
	}
	over.Wait()
}

func TestStartWithoutProcesses(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "MRRUN_TEST_NPROC=0", "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "true start worker 1: ") || !strings.Contains(string(out), "ulimit -u") {
		t.Errorf("%v: %s", err, out)
	}
}
