package mapreduce

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"path/filepath"
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
	logger    slog.Handler

	restarts      int
	restartPeriod time.Duration // 0: the defaults for restarts and restartPeriod

	wrap wrapping // for tests

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
	backups     bool
	seed        uint64
	place       int           // as in schedule.Call
	waitLimit   time.Duration // 0: any time
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

// Procs sets the number of workers, 1 to [MaxProcs]. 0, the default, means as many as there are
// usable cores, as [runtime.GOMAXPROCS] reports it, which respects processor affinity and cgroup
// limits.
//
// The workers share these cores: GOMAXPROCS of each is that of this process divided by the number
// of workers, but at least 1, unless the environment or [Env] sets it. A process that [Task.Start]
// starts has the same GOMAXPROCS as this one.
func Procs(n int) PoolOption {
	return poolFunc(func(o *poolOptions) error {
		if n < 0 || n > MaxProcs {
			return fmt.Errorf("mapreduce: Procs(%d): takes 1 to %d, or 0 for as many as there are cores", n, MaxProcs)
		}
		o.procs = n
		return nil
	})
}

// Chunksize sets how many items travel in one message. The size is exact, except for the last chunk
// of an input and for items that are sent again. 0, the default, chooses the size from the measured
// time and bytes of the items.
func Chunksize(n int) Option {
	return bothFunc(func(o *callOptions) error {
		if n < 0 {
			return fmt.Errorf("mapreduce: Chunksize(%d): takes a number from 1, or 0 for automatic", n)
		}
		o.chunksize = n
		return nil
	})
}

// Timeout sets how long one item may run. After that its context ends. If the item does not return
// within a grace time ([KillGrace] or a tenth of d, whichever is less), its worker and all that it
// started are killed, and the worker is replaced. The item fails with an error in which [errors.Is]
// finds [ErrTimeout]; nothing else is disturbed. 0, the default, means no limit.
//
// Time that this process spends on the worker, for example in a [Logger] or an [Output] function,
// does not count until the item has run for 10 times d in all; nor does time during which the
// worker or this process is suspended.
func Timeout(d time.Duration) RunOption {
	return runFunc(func(o *callOptions) error {
		if d < 0 {
			return fmt.Errorf("mapreduce: Timeout(%v): takes a positive duration, or 0 for none", d)
		}
		o.timeout = d
		return nil
	})
}

// Seed seeds the random sources that [Rand] returns for the items of a call; the default is 0.
func Seed(n uint64) RunOption {
	return runFunc(func(o *callOptions) error {
		o.seed = n
		return nil
	})
}

// StopAtFirst stops a verb that gathers all results, such as [Task.Map], at the first item that
// fails. The verb returns its [TaskError] instead of computing the other items. Which item is first
// depends on timing.
func StopAtFirst() CallOption {
	return callFunc(func(o *callOptions) error {
		o.stopAtFirst = true
		return nil
	})
}

// MaxTasksPerWorker replaces each worker, when it holds nothing, after it has run n items (Python's
// maxtasksperchild, counted in items, not chunks). 0, the default, means any number.
func MaxTasksPerWorker(n int) PoolOption {
	return poolFunc(func(o *poolOptions) error {
		if n < 0 {
			return fmt.Errorf("mapreduce: MaxTasksPerWorker(%d): takes a number from 1, or 0 for any", n)
		}
		o.maxTasks = n
		return nil
	})
}

// MaxGrowth replaces a worker, when it holds nothing, once its resident memory has grown by the
// given number of bytes since its first answer. The memory is checked ten times a second; on
// systems without /proc the option has no effect.
func MaxGrowth(bytes int64) PoolOption {
	return poolFunc(func(o *poolOptions) error {
		if bytes <= 0 {
			return fmt.Errorf("mapreduce: MaxGrowth(%d): takes a positive number of bytes", bytes)
		}
		o.maxGrowth = bytes
		return nil
	})
}

// Nice lowers the priority of the workers below that of this process, by 1 to 19, as nice -n does;
// 19 is the lowest priority. 0 changes nothing.
func Nice(n int) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		if n < 0 || n > 19 {
			return fmt.Errorf("mapreduce: Nice(%d): takes 0 to 19", n)
		}
		o.nice = n
		return nil
	})
}

// Env adds variables of the form NAME=value to the workers' environment, which is otherwise that of
// the driver.
func Env(vars ...string) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		o.env = append(o.env, vars...)
		return nil
	})
}

// Dir sets the workers' working directory, which is otherwise that of the driver.
func Dir(path string) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		o.dir = path
		return nil
	})
}

// Spares keeps n idle workers started in addition to those of the pool. When a worker dies or is
// recycled, one of them replaces it at once, while starting a new one takes about a millisecond, or
// as long as your initializers.
//
// For [Task.Start], Spares keeps n processes ready for later calls of Start with the same Env, Dir,
// Program, Nice, Pin, MemoryLimit and Spares; the first Start still starts its own process. The
// spares end when a Start asks for others, or for 0, and when the program ends.
func Spares(n int) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		if n < 0 || n > MaxProcs {
			return fmt.Errorf("mapreduce: Spares(%d): takes 0 to %d", n, MaxProcs)
		}
		o.spares = n
		return nil
	})
}

// StartTimeout sets how long a worker may take from its start until it reaches [Main] or [Init];
// the default is 30 seconds. A worker that takes longer is killed, and the error wraps
// [ErrNoHello]. Time during which the worker or this process is stopped does not count, nor does
// the time of initializers, which have no limit.
func StartTimeout(d time.Duration) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		if d <= 0 {
			return fmt.Errorf("mapreduce: StartTimeout(%v): takes a positive duration", d)
		}
		o.hello = d
		return nil
	})
}

// IdleTimeout ends the workers when the pool has had no call for d. The next call starts them
// again, which takes a few milliseconds.
func IdleTimeout(d time.Duration) PoolOption {
	return poolFunc(func(o *poolOptions) error {
		if d <= 0 {
			return fmt.Errorf("mapreduce: IdleTimeout(%v): takes a positive duration", d)
		}
		o.idle = d
		return nil
	})
}

// keepSharedTime is the default of [KeepShared].
const keepSharedTime = 10 * time.Second

// KeepShared sets how long this process and its workers keep the shared memory in which large
// arguments and results travelled, for reuse by later ones. Memory is freed when it has not been
// used for d, or up to a quarter of d later. The default is 10 seconds. 0 frees it at once: then
// each argument and result takes new memory, which is several times slower.
func KeepShared(d time.Duration) PoolOption {
	return poolFunc(func(o *poolOptions) error {
		if d < 0 {
			return fmt.Errorf("mapreduce: KeepShared(%v): takes a duration, or 0 for not at all", d)
		}
		o.shared = d
		if d == 0 {
			o.shared = -1
		}
		return nil
	})
}

func (o *poolOptions) keepShared() time.Duration { return max(0, cmp.Or(o.shared, keepSharedTime)) }

// Program makes path, with these arguments, the program that the workers run. It must have the same
// tasks as this one: it imports the same packages and calls [Main] or [Init]. Without this option,
// workers run this program with its own arguments.
//
// A path is relative to the working directory of this process, whatever [Dir] says; a name without
// a slash is looked up in $PATH, as by [exec.LookPath].
func Program(path string, args ...string) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		if err := o.program(path, args); err != nil {
			return fmt.Errorf("mapreduce: Program: %w", err)
		}
		return nil
	})
}

func (o *poolOptions) program(path string, args []string) error {
	found, err := exec.LookPath(path)
	if err != nil {
		return err
	}
	if o.path, err = filepath.Abs(found); err != nil {
		return err
	}
	o.args = append([]string{}, args...)
	return nil
}

// DefaultRetries is how often an item whose worker was lost is tried again unless [Retries] says
// otherwise.
const DefaultRetries = 2

// Retries sets how often an item whose worker died while it ran is tried again; the default is
// [DefaultRetries], and 0 means never. Errors, panics, timeouts and exceeded memory limits are
// never retried.
func Retries(n int) Option {
	return bothFunc(func(o *callOptions) error {
		if n < 0 {
			return fmt.Errorf("mapreduce: Retries(%d): takes a number from 0", n)
		}
		o.retries = n
		return nil
	})
}

// Backups lets idle workers run second copies of the last chunks of a call, which other workers are
// still running. The first answer counts; the context of the other copy is cancelled, and its
// worker is killed if it does not stop within [KillGrace]. This helps against a worker that is slow
// for reasons of its own, as the backup tasks of Dean and Ghemawat's MapReduce (2004) do; the price
// is work that is done twice. Tasks must tolerate that the same item runs twice at the same time.
func Backups() Option {
	return bothFunc(func(o *callOptions) error {
		o.backups = true
		return nil
	})
}

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
