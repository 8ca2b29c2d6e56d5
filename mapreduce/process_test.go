//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	clingTask   *Task[string, string]
	nestingTask *Task[nesting, int]
)

func init() { // not in their declarations: they use what they register
	clingTask = FuncContext(cling)
	nestingTask = FuncContext(nestProcess)
}

// cling reports that it runs by writing a file, and then does not end when it is asked to.
func cling(ctx context.Context, how string) (string, error) {
	how, file, _ := strings.Cut(how, " ")
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return "", err
	}
	switch how {
	case "heeds":
		<-ctx.Done()
		return "tidied up: " + context.Cause(ctx).Error(), nil
	case "fails":
		<-ctx.Done()
		return "", ctx.Err()
	case "signal":
		return fmt.Sprint(<-signals), nil
	}
	time.Sleep(time.Hour)
	return "", nil
}

// A nesting is a process that starts another.
type nesting struct {
	Depth  int
	Daemon bool
	File   string // that the innermost process leaves at its end
}

func nestProcess(ctx context.Context, n nesting) (int, error) {
	if n.Depth == 0 {
		select {
		case <-time.After(50 * time.Millisecond): // its parent's task is done
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		return os.Getpid(), os.WriteFile(n.File, nil, 0o600)
	}
	var opts []ProcessOption
	if n.Daemon {
		opts = append(opts, Daemon())
	}
	_, err := nestingTask.Start(ctx, nesting{Depth: n.Depth - 1, File: n.File}, opts...)
	return os.Getpid(), err
}

func startDeed(t *testing.T, do string, opts ...ProcessOption) *Process[trace] {
	t.Helper()
	p, err := deedTask.Start(t.Context(), deed{N: 7, Do: do, Times: 1}, append(opts, silent())...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// startCling starts cling and returns when it runs.
func startCling(t *testing.T, ctx context.Context, how string, opts ...ProcessOption) *Process[string] {
	t.Helper()
	file := filepath.Join(t.TempDir(), "runs")
	p, err := clingTask.Start(ctx, how+" "+file, append(opts, silent())...)
	if err != nil {
		t.Fatal(err)
	}
	awaitFile(t, file)
	return p
}

func awaitFile(t *testing.T, file string) {
	t.Helper()
	eventually(t, hangTime, func() error {
		_, err := os.Stat(file)
		return err
	})
}

func TestProcess(t *testing.T) {
	checkLeaks(t)
	p, err := deedTask.Start(t.Context(), deed{N: 7}, Name("seven"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Name() != "seven" || p.PID() == os.Getpid() {
		t.Errorf("name %q, pid %d", p.Name(), p.PID())
	}
	var waiters sync.WaitGroup
	for range 10 {
		waiters.Go(func() {
			if got, err := p.Wait(); err != nil || got != (trace{7, 1, p.PID()}) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	waiters.Wait()
	code, ended := p.ExitCode()
	if p.Alive() || p.Err() != nil || !ended || code != 0 {
		t.Errorf("after its end: alive %t, %v, exit code %d, ended %t", p.Alive(), p.Err(), code, ended)
	}
	exit, _ := p.Exit()
	if exit.MaxRSS < 1<<20 || exit.CPU <= 0 {
		t.Errorf("%+v", exit)
	}
	for name, f := range map[string]func() error{
		"Kill": p.Kill, "Terminate": p.Terminate, "Suspend": p.Suspend, "Resume": p.Resume,
		"Signal": func() error { return p.Signal(syscall.SIGUSR1) },
	} {
		if err := f(); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("%s after its end: %v", name, err)
		}
	}
}

// Each Start starts another process, with its own name.
func TestProcessStartTwice(t *testing.T) {
	checkLeaks(t)
	p, q := startDeed(t, ""), startDeed(t, "")
	if p.Name() == q.Name() || p.PID() == q.PID() {
		t.Errorf("%s, %d and %s, %d", p.Name(), p.PID(), q.Name(), q.PID())
	}
	if err := WaitAll[Pending](t.Context(), p, q); err != nil {
		t.Error(err)
	}
}

func TestProcessNotStarted(t *testing.T) {
	checkLeaks(t)
	over, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("too late"))
	for _, tt := range []struct {
		ctx  context.Context
		opt  ProcessOption
		says string
	}{
		{t.Context(), Name(""), `mapreduce: Name(""): must be one line`},
		{t.Context(), Nice(20), "mapreduce: Nice(20): must be from 0 to 19"},
		{t.Context(), Timeout(-1), "mapreduce: Timeout(-1ns)"},
		{t.Context(), Dir("/nowhere"), "no such file or directory"},
		{t.Context(), Program("/nowhere"), "no such file or directory"},
		{over, Nice(1), "too late"},
	} {
		if p, err := deedTask.Start(tt.ctx, deed{}, tt.opt); p != nil || err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("want %q, got %v, %v", tt.says, p, err)
		}
	}
	if p, err := unsendable.Start(t.Context(), shy{}); p != nil || err == nil || !strings.Contains(err.Error(), "too shy") {
		t.Errorf("an argument that cannot be encoded: %v, %v", p, err)
	}
}

// A shy fails to be encoded.
type shy struct{ N int }

func (shy) MarshalBinary() ([]byte, error) { return nil, errors.New("too shy") }

func (*shy) UnmarshalBinary(data []byte) error { return nil }

var unsendable = Func(func(shy) int { return 0 })

// However a process dies, its error and its exit code say so.
func TestProcessDies(t *testing.T) {
	checkLeaks(t)
	for _, tt := range exits {
		t.Run(tt.do, func(t *testing.T) {
			p := startDeed(t, tt.do, Name("it"))
			_, err := p.Wait()
			died, ok := errors.AsType[*ExitError](err)
			if !ok {
				t.Fatal(err)
			}
			want := tt.code
			if tt.signal != 0 {
				want = -int(tt.signal)
			}
			code, _ := p.ExitCode()
			if died.Signal != tt.signal || died.Code != want || code != want || died.PID != p.PID() || died.Name != "it" {
				t.Errorf("%+v, exit code %d", died, code)
			}
			if !strings.Contains(died.Stderr, tt.stderr) || !strings.HasPrefix(err.Error(), fmt.Sprintf("process it (pid %d) ", p.PID())) {
				t.Errorf("it says %v", err)
			}
		})
	}
}

func TestProcessTaskFails(t *testing.T) {
	checkLeaks(t)
	p := startDeed(t, "error")
	_, err := p.Wait()
	if failed, ok := errors.AsType[*TaskError](err); !ok || failed.Msg != "an error of the task" {
		t.Error(err)
	}
	if code, _ := p.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	q, err := parityTask.Start(t.Context(), -1, silent())
	if err != nil {
		t.Fatal(err)
	}
	_, err = q.Wait()
	if failed, ok := errors.AsType[*TaskError](err); !ok || failed.Stack == "" || !strings.Contains(failed.Msg, "below nothing") {
		t.Error(err)
	}
}

var parityTask = Func(func(n int) int {
	if n < 0 {
		panic("below nothing")
	}
	return n % 2
})

func TestProcessLimits(t *testing.T) {
	checkLeaks(t)
	for _, tt := range []struct {
		do   string
		opt  ProcessOption
		want error
	}{
		{"obey", Timeout(50 * time.Millisecond), ErrTimeout},
		{"hang", Timeout(50 * time.Millisecond), ErrTimeout},
		{"eat", MemoryLimit(testMemory), ErrMemoryLimit},
	} {
		t.Run(tt.do, func(t *testing.T) {
			if _, err := startDeed(t, tt.do, tt.opt).Wait(); !errors.Is(err, tt.want) {
				t.Error(err)
			}
		})
	}
}

// What a process prints and logs follows its name, and all of it arrives before its end.
func TestProcessOutput(t *testing.T) {
	checkLeaks(t)
	var mu sync.Mutex
	var lines []string
	records := new(strings.Builder)
	p, err := talkTask.Start(t.Context(), "hello", Name("talker"), Env("MRRUN_TEST_WORD=there"),
		Output(func(l OutputLine) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, l.String())
		}), Logger(slog.NewTextHandler(records, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Wait(); err != nil || got != "there" {
		t.Errorf("%q, %v", got, err)
	}
	if !slices.Equal(lines, []string{"[talker] hello"}) {
		t.Errorf("lines %q", lines)
	}
	if text := records.String(); !strings.Contains(text, "msg=hello process=talker") {
		t.Errorf("log %q", text)
	}
}

var talkTask = Func(func(word string) string {
	fmt.Println(word)
	slog.Info(word)
	return os.Getenv("MRRUN_TEST_WORD")
})

// Large arguments and results travel too.
func TestProcessLarge(t *testing.T) {
	checkLeaks(t)
	for _, n := range []int{0, 100 << 10, 20 << 20} {
		p, err := echoBytes.Start(t.Context(), make([]byte, n))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Wait(); err != nil || len(got) != n {
			t.Errorf("%d bytes: %d, %v", n, len(got), err)
		}
	}
}

var echoBytes = Func(func(b []byte) []byte { return b })

// What the task of a process started ends with it: a child, and a process. The process waits for
// one that is not a daemon.
func TestProcessNested(t *testing.T) {
	checkLeaks(t)
	for depth := range maxDepth {
		file := filepath.Join(t.TempDir(), "over")
		p, err := nestingTask.Start(t.Context(), nesting{Depth: depth, File: file})
		if err != nil {
			t.Fatal(err)
		}
		if pid, err := p.Wait(); err != nil || pid != p.PID() {
			t.Errorf("depth %d: %d, %v", depth, pid, err)
		}
		if _, err := os.Stat(file); err != nil {
			t.Errorf("depth %d: it did not wait: %v", depth, err)
		}
	}
	file := filepath.Join(t.TempDir(), "over")
	p, err := nestingTask.Start(t.Context(), nesting{Depth: 1, Daemon: true, File: file})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("it waited for a daemon")
	}
}

// Many goroutines start a process and a pool at once.
func TestProcessMany(t *testing.T) {
	checkLeaks(t)
	var all []*Process[trace]
	for range 12 {
		all = append(all, startDeed(t, ""))
	}
	if err := WaitAll(t.Context(), all...); err != nil {
		t.Error(err)
	}
}

func TestWaitAny(t *testing.T) {
	checkLeaks(t)
	if got, err := WaitAny[Waiter](t.Context()); got != nil || err != nil {
		t.Errorf("of none: %v, %v", got, err)
	}
	long := startCling(t, t.Context(), "stays")
	short, shorter := startDeed(t, ""), startDeed(t, "SIGKILL")
	<-short.Done()
	<-shorter.Done()
	if got, err := WaitAny[Waiter](t.Context(), shorter, long, short); err != nil || !slices.Equal(got, []int{0, 2}) {
		t.Errorf("of two that are ready: %v, %v", got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if got, err := WaitAny(ctx, long); got != nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("of none that is ready: %v, %v", got, err)
	}
	another := startCling(t, t.Context(), "stays")
	time.AfterFunc(10*time.Millisecond, func() { _ = another.Kill() })
	if got, err := WaitAny(t.Context(), long, another); err != nil || !slices.Equal(got, []int{1}) {
		t.Errorf("of one that ends: %v, %v", got, err)
	}
	_ = long.Kill()
	<-long.Done()
}
