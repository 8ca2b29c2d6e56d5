package mapreduce

import (
	"io"
	"log/slog"
	"time"

	"mrrun/internal/cores"
	"mrrun/transport"
)

// MaxProcs is the largest number of workers a pool may have.
const MaxProcs = 1024

// A PoolOption changes the pool that [NewPool] makes.
type PoolOption interface{ applyPool(*poolOptions) error }

// A CallOption changes one call of a verb such as [Task.Map].
type CallOption interface{ applyCall(*callOptions) error }

// An Option may be given to a pool, for all its calls, or to one call, where it overrides that of
// the pool.
type Option interface {
	PoolOption
	CallOption
}

// A ProcessOption changes the process that [Task.Start] starts.
type ProcessOption interface{ applyProcess(*processOptions) error }

// A WorkerOption may be given to a pool, for all its workers, or to a process that [Task.Start]
// starts.
type WorkerOption interface {
	PoolOption
	ProcessOption
}

// A RunOption changes how a task runs: in all calls of a pool, in one call, or in a process that
// [Task.Start] starts.
type RunOption interface {
	Option
	ProcessOption
}

type poolOptions struct {
	procs     int
	maxTasks  int   // 0: any number
	maxGrowth int64 // bytes, 0: any
	memory    int64 // bytes, 0: any
	nice      int
	pin       bool
	env       []string
	dir       string
	path      string // of the program that workers run; empty: this program
	args      []string
	inProcess bool
	spares    int
	idle      time.Duration // 0: workers are kept
	hello     time.Duration // that a worker may take until its hello; 0: the default
	exitTime  time.Duration // that a worker may take to end; 0: the default, negative: no limit
	shared    time.Duration // how long shared memory is kept; 0: the default, negative: not at all
	output    *lineSink
	printTo   [2]io.Writer // standard output and standard error; nil: this process's own
	logger    slog.Handler

	restarts      int
	restartPeriod time.Duration // 0: the defaults for restarts and restartPeriod

	wrap wrapping // for tests

	observer      Observer // nil: none
	progress      func(Stats)
	progressEvery time.Duration
	states        []stateInit
	cargo         *transport.Cargo // what the states' arguments refer to; nil: nothing
	call          callOptions
}

type callOptions struct {
	chunksize   int // 0: automatic
	timeout     time.Duration
	retries     int
	stopAtFirst bool
	keepGoing   bool
	backups     bool
	seed        uint64
	place       int           // as in schedule.Call
	waitLimit   time.Duration // 0: any time
	budget      int64         // bytes of memory; 0: any number
	logLevel    uint64        // see lowestLevel; found anew for each call
}

// A wrapping puts faults into the pipes of workers, for tests.
type wrapping struct {
	newReader func(io.Reader) io.Reader
	newWriter func(io.Writer) io.Writer
}

func (w wrapping) reader(r io.Reader) io.Reader {
	if w.newReader == nil {
		return r
	}
	return w.newReader(r)
}

func (w wrapping) writer(to io.Writer) io.Writer {
	if w.newWriter == nil {
		return to
	}
	return w.newWriter(to)
}

// poolFunc and the types below make options from functions.
type poolFunc func(*poolOptions) error

func (f poolFunc) applyPool(o *poolOptions) error { return f(o) }

type callFunc func(*callOptions) error

func (f callFunc) applyCall(o *callOptions) error { return f(o) }

type bothFunc func(*callOptions) error

func (f bothFunc) applyCall(o *callOptions) error { return f(o) }
func (f bothFunc) applyPool(o *poolOptions) error { return f(&o.call) }

type runFunc func(*callOptions) error

func (f runFunc) applyCall(o *callOptions) error       { return f(o) }
func (f runFunc) applyPool(o *poolOptions) error       { return f(&o.call) }
func (f runFunc) applyProcess(o *processOptions) error { return f(&o.call) }

type workerFunc func(*poolOptions) error

func (f workerFunc) applyPool(o *poolOptions) error       { return f(o) }
func (f workerFunc) applyProcess(o *processOptions) error { return f(&o.poolOptions) }

func newPoolOptions(opts []PoolOption) (poolOptions, error) {
	o := poolOptions{call: callOptions{retries: DefaultRetries}}
	for _, opt := range opts {
		if err := opt.applyPool(&o); err != nil {
			return o, err
		}
	}
	if o.procs == 0 {
		o.procs = min(cores.Usable(), MaxProcs)
	}
	if err := o.checkInProcess(); err != nil {
		return o, err
	}
	return o, nil
}

func (o callOptions) with(opts []CallOption) (callOptions, error) {
	if len(opts) == 0 {
		return o, nil
	}
	changed := o // a variable of its own: applyCall makes it escape
	for _, opt := range opts {
		if err := opt.applyCall(&changed); err != nil {
			return o, err
		}
	}
	return changed, nil
}
