package proc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Spec says how to start a worker.
type Spec struct {
	ID       int        // shown in ps and in messages
	MaxProcs int        // GOMAXPROCS of the worker, unless the environment sets one; 0 leaves it alone
	Output   OutputFunc // gets what the worker prints, line by line; nil: os.Stdout and os.Stderr
}

// Start starts this program again as a worker. It returns when the process exists; [Process.Hello] waits until it is ready.
// The caller must call [Process.Stop] or [Process.Kill], and read Answers until it ends.
func Start(spec Spec) (*Process, error) {
	requestsR, requestsW, err := os.Pipe()
	if err != nil {
		return nil, startError(spec, err)
	}
	answersR, answersW, err := os.Pipe()
	if err != nil {
		requestsR.Close()
		requestsW.Close()
		return nil, startError(spec, err)
	}
	widen(requestsW)
	widen(answersW)

	p := &Process{ID: spec.ID, Requests: requestsW, Answers: answersR, done: make(chan struct{})}
	err = p.start(spec, requestsR, answersW)
	requestsR.Close()
	answersW.Close()
	if err != nil {
		requestsW.Close()
		answersR.Close()
		return nil, startError(spec, err)
	}
	return p, nil
}

func startError(spec Spec, err error) error {
	hint := ""
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		hint = "; raise the limit of open files (ulimit -n) or use fewer processes"
	case errors.Is(err, syscall.EAGAIN):
		hint = "; raise the limit of processes (ulimit -u) or use fewer"
	}
	return fmt.Errorf("start worker %d: %w%s", spec.ID, err, hint)
}

// start forks and hands the new process to its one waiter.
func (p *Process) start(spec Spec, requests, answers *os.File) error {
	out, err := newOutput(spec)
	if err != nil {
		return err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		out.abandon()
		return err
	}
	defer null.Close()

	path, err := executable()
	if err != nil {
		out.abandon()
		return err
	}
	argv := append([]string{fmt.Sprintf("%s [worker %d]", filepath.Base(os.Args[0]), spec.ID)}, os.Args[1:]...)
	env, err := environment(spec, requests)
	if err != nil {
		out.abandon()
		return err
	}
	process, err := startLocked(path, argv, &os.ProcAttr{
		Env:   env,
		Files: []*os.File{null, out.stdout.w, out.stderr.w, requests, answers},
		Sys:   sysProcAttr(),
	})
	out.started()
	if err != nil {
		out.abandon()
		return err
	}
	p.process, p.out = process, out
	go p.wait()
	return nil
}

// environment is the driver's own, with what makes the child a worker.
func environment(spec Spec, requests *os.File) ([]string, error) {
	id, err := identify(requests)
	if err != nil {
		return nil, err
	}
	env := os.Environ()
	set := func(key, value string) { // the first one of a name counts
		env = slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, key+"=") })
		env = append(env, key+"="+value)
	}
	set(variable, id+":"+strconv.Itoa(spec.ID))
	// A program built with -race sleeps a second at exit otherwise.
	set("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	if spec.MaxProcs > 0 && os.Getenv("GOMAXPROCS") == "" {
		set("GOMAXPROCS", strconv.Itoa(spec.MaxProcs))
		set(maxProcsSet, "1")
	}
	return env, nil
}

// executable returns the path of this program: its name while that still is the same file, else a name for the file that
// runs, which may have been deleted or replaced.
func executable() (string, error) {
	path, err := os.Executable()
	if runtime.GOOS != "linux" {
		return path, err
	}
	const self = "/proc/self/exe"
	named, err1 := os.Stat(path)
	running, err2 := os.Stat(self)
	if err == nil && err1 == nil && (err2 != nil || os.SameFile(named, running)) {
		return path, nil
	}
	return self, nil
}

// The kernel ends a worker when the thread that started it ends, not when the process does. So one thread starts all of
// them and never ends before the process.
var starter struct {
	once sync.Once
	jobs chan func()
}

func startLocked(path string, argv []string, attr *os.ProcAttr) (process *os.Process, err error) {
	starter.once.Do(func() {
		starter.jobs = make(chan func())
		go runJobs(starter.jobs)
	})
	started := make(chan struct{})
	starter.jobs <- func() {
		defer close(started)
		process, err = startRetrying(path, argv, attr)
	}
	<-started
	return process, err
}

// runJobs runs jobs on one thread, which it keeps.
func runJobs(jobs <-chan func()) {
	runtime.LockOSThread()
	for job := range jobs {
		job()
	}
}

// startRetrying tries again while the file is busy: one that was just written may still be open in a child that another
// thread has forked and that has not reached its exec.
func startRetrying(path string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
	for pause := time.Millisecond; ; pause *= 2 {
		process, err := os.StartProcess(path, argv, attr)
		if !errors.Is(err, syscall.ETXTBSY) || pause > 200*time.Millisecond {
			return process, err
		}
		time.Sleep(pause)
	}
}
