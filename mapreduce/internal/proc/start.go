package proc

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"mrrun/internal/shm"
)

// A Spec says how to start a worker.
type Spec struct {
	ID       int        // for ps and for messages
	Name     string     // for ps instead, if not empty
	MaxProcs int        // GOMAXPROCS of the worker, unless the environment sets it; 0: the default
	Output   OutputFunc // receives what the worker prints, by lines; nil: os.Stdout and os.Stderr

	// Item returns the index of the item at that offset in the chunk with that tag, or -1. It is
	// called when something was read that this item printed. nil: Output gets -1.
	Item func(tag uint32, offset int) (index int)

	Path   string   // another program to run, which must import the same package; empty: this one
	Args   []string // its arguments; nil: those of this program
	Env    []string // NAME=value, added to the driver's own
	Dir    string   // working directory; empty: the driver's
	Memory int64    // most bytes that the worker may take after [Worker.LimitMemory]; 0: no limit
	Nice   int      // how much to lower its priority
	Pin    int      // 1 + the number of the processor to stay on; 0: any

	KeepShared time.Duration // how long the worker keeps unused shared memory
}

// Start starts a worker. It returns when the process exists; [Process.Hello] waits until the worker
// is ready. The caller must call [Process.Stop] or [Process.Kill], read Answers to the end, and
// then call [Process.Close].
func Start(spec Spec) (*Process, error) {
	p := &Process{ID: spec.ID, ended: make(chan struct{}), done: make(chan struct{})}
	if err := p.begin(spec); err != nil {
		p.slot.reap()
		p.Close()
		return nil, startError(spec, err)
	}
	return p, nil
}

func (p *Process) begin(spec Spec) error {
	theirs, err := p.connect()
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
	}()
	if err != nil {
		return err
	}
	if p.slot, err = reserveSlot(); err != nil {
		return err
	}
	return p.start(spec, slices.Concat(theirs, []*os.File{p.Note.memory.file}, p.slot.files()))
}

func startError(spec Spec, err error) error {
	hint := ""
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		hint = "; raise the limit of open files (ulimit -n) or use fewer processes"
	case errors.Is(err, syscall.EAGAIN):
		hint = "; " + threadsHint
	}
	return fmt.Errorf("start worker %d: %w%s", spec.ID, err, hint)
}

// start forks, and starts the goroutine that waits for the new process.
func (p *Process) start(spec Spec, inherited []*os.File) error {
	out, err := newOutput(spec, p.Note)
	if err != nil {
		return err
	}
	err = p.startPrinting(spec, inherited, out)
	out.started()
	if err != nil {
		out.abandon()
		return err
	}
	p.out, p.inherited = out, startedWith()
	living.add(p)
	go p.wait()
	return nil
}

func (p *Process) startPrinting(spec Spec, inherited []*os.File, out *output) error {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	path, argv, err := spec.commandLine()
	if err != nil {
		return err
	}
	env, err := environment(spec, inherited[0], p.slot.tag)
	if err != nil {
		return err
	}
	p.process, err = startLocked(path, argv, &os.ProcAttr{
		Dir: spec.Dir, Env: env, Sys: sysProcAttr(),
		Files: append([]*os.File{null, out.stdout.w, out.stderr.w}, inherited...),
	})
	return err
}

// environment returns the driver's environment, with the variables that make the child a worker.
func environment(spec Spec, requests *os.File, slot shm.Tag) ([]string, error) {
	id, err := identify(requests)
	if err != nil {
		return nil, err
	}
	env := os.Environ()
	set := func(key, value string) { // the first value of a name counts
		env = slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, key+"=") })
		env = append(env, key+"="+value)
	}
	for _, e := range spec.Env {
		key, value, _ := strings.Cut(e, "=")
		set(key, value)
	}
	set(variable, fmt.Sprintf("%s:%d:%d", id, spec.ID, slot))
	set(limitsVariable, fmt.Sprintf("%d:%d:%d:%d", spec.Memory, spec.Nice, spec.Pin, spec.KeepShared))
	set(nameVariable, cmp.Or(spec.Path, os.Args[0]))
	// Without this, a program built with -race sleeps a second at exit.
	set("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	// The runtime reads this when it starts; children of the worker must not inherit it.
	runtimeOnly := ""
	if spec.MaxProcs > 0 && os.Getenv("GOMAXPROCS") == "" && !slices.ContainsFunc(spec.Env, setsMaxProcs) {
		set("GOMAXPROCS", strconv.Itoa(spec.MaxProcs))
		runtimeOnly = "GOMAXPROCS"
	}
	set(unsetVariable, runtimeOnly)
	return env, nil
}

func setsMaxProcs(variable string) bool { return strings.HasPrefix(variable, "GOMAXPROCS=") }

// The kernel ends a worker when the thread that started it ends, not when the process does. So a
// single thread starts all workers and does not end before the process.
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

// runJobs runs jobs on one thread, to which it is locked.
func runJobs(jobs <-chan func()) {
	runtime.LockOSThread()
	for job := range jobs {
		job()
	}
}

// startRetrying tries again while the file is busy: a file that was just written may still be open
// in a child that another thread has forked and that has not reached its exec.
func startRetrying(path string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
	for pause := time.Millisecond; ; pause *= 2 {
		process, err := os.StartProcess(path, argv, attr)
		if !errors.Is(err, syscall.ETXTBSY) || pause > 200*time.Millisecond {
			return process, err
		}
		time.Sleep(pause)
	}
}
