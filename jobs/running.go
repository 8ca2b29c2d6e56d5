package jobs

import (
	"math"
	"time"

	"mrrun/internal/cores"
	"mrrun/mapreduce"
)

// Running are the flags that all jobs have.
type Running struct {
	Procs     int64
	Chunksize int64
	Budget    int64 // bytes of memory of a job that reduces by key; 0: any number

	Start             string // method, or [Loop] or [Goroutines]; empty: the default
	MaxTasksPerWorker int64  // 0: any number
	Backups           bool
	Pin               bool
	Nice              int64
	Seed              int64
	Only              pieceNumbers // of the pieces to run; none: all

	KeepGoing   bool
	Retries     int64
	Timeout     time.Duration // of a piece; 0: none
	MemoryLimit int64         // bytes of a worker; 0: none

	JSON     bool
	Quiet    bool
	Progress time.Duration // from one line about the progress to the next; 0: none
	JobLog   string        // file for a line about each piece; empty: none
}

// DefaultRunning returns the defaults of the flags on this machine.
func DefaultRunning() Running {
	return Running{Procs: int64(min(cores.Usable(), mapreduce.MaxProcs)), Start: startMethods[0], Retries: mapreduce.DefaultRetries}
}

// startMethods are those that a command can have, the default first.
var startMethods = []string{"exec", "spare", "inprocess"}

// minMemory is the least limit that mapreduce takes.
const minMemory = 32 << 20

// sections are the flags of all jobs by what they are about.
func (r *Running) sections() []section {
	return []section{
		{"Running", func(f *Flags) {
			f.Count(&r.Procs, "procs", "", 1, mapreduce.MaxProcs, "worker processes, one for each usable core")
			f.Count(&r.Chunksize, "chunksize", "", 0, 1e9, "pieces of the work to send at once; 0 = automatic")
			f.set.Var(&r.Only, "only", "run these pieces alone, such as 3,17-20, counted from 1")
			f.Choice(&r.Start, "start", "METHOD", startMethods, "how workers start: exec, spare (started ahead) or inprocess (goroutines, for debuggers)")
			f.Bytes(&r.Budget, "memory-budget", 0, math.MaxInt64, "memory for a job that counts or groups, such as 64M; the rest goes to TMPDIR; 0 = any")
			f.Count(&r.MaxTasksPerWorker, "max-tasks-per-worker", "", 0, 1e9, "replace a worker after N pieces; 0 = never")
			f.Bool(&r.Backups, "backups", "let idle workers run second copies of the last pieces; the first result counts")
			f.Bool(&r.Pin, "pin", "keep each worker on a processor of its own")
			f.Count(&r.Nice, "nice", "", 0, 19, "lower the priority of the workers by N")
			f.Count(&r.Seed, "seed", "", 0, math.MaxInt64, "what the random numbers of pieces begin with")
		}},
		{"Failing", func(f *Flags) {
			f.Bool(&r.KeepGoing, "keep-going", "when a piece fails, finish the others; the exit status is 3 then")
			f.Count(&r.Retries, "retries", "", 0, 1e6, "how often to try a piece again whose worker died")
			f.Duration(&r.Timeout, "timeout", "how long a piece may run before its worker is killed and the piece fails; 0 = any time")
			f.Bytes(&r.MemoryLimit, "memory-limit", minMemory, math.MaxInt64, "memory that a worker may take before it is killed and its piece fails; 0 = any")
		}},
		{"Seeing", func(f *Flags) {
			f.Bool(&r.JSON, "json", "print one JSON object instead of text")
			f.Bool(&r.Quiet, "quiet", "print nothing but the result and errors")
			f.Duration(&r.Progress, "progress", "print a line about the progress each time, for logs; SIGUSR1 prints it once")
			f.String(&r.JobLog, "joblog", "FILE", "write a line about each piece to FILE as it ends, in the columns of GNU parallel")
		}},
	}
}

// A section is flags under one heading of the help.
type section struct {
	title string
	bind  func(*Flags)
}

func (r *Running) bind(f *Flags) {
	for _, s := range r.sections() {
		s.bind(f)
	}
}

// check returns an error about flags that do not go together.
func (r *Running) check() error {
	if r.Start != "inprocess" {
		return nil
	}
	for _, f := range []struct {
		name string
		set  bool
	}{{"--pin", r.Pin}, {"--nice", r.Nice > 0}, {"--memory-limit", r.MemoryLimit > 0}} {
		if f.set {
			return usagef("%s needs worker processes, and --start inprocess has none: leave one of them out", f.name)
		}
	}
	return nil
}

// options returns the options of the pool.
func (r *Running) options() []mapreduce.PoolOption {
	procs, start := int(r.Procs), r.Start
	switch start {
	case Loop:
		procs, start = 1, "inprocess"
	case Goroutines:
		start = "inprocess"
	}
	options := []mapreduce.PoolOption{
		mapreduce.Procs(procs), mapreduce.Chunksize(int(r.Chunksize)), mapreduce.MemoryBudget(r.Budget),
		mapreduce.MaxTasksPerWorker(int(r.MaxTasksPerWorker)), mapreduce.Nice(int(r.Nice)), mapreduce.Seed(uint64(r.Seed)),
		mapreduce.Retries(int(r.Retries)), mapreduce.Timeout(r.Timeout), mapreduce.StartMethod(start),
	}
	if r.Backups {
		options = append(options, mapreduce.Backups())
	}
	if r.Pin {
		options = append(options, mapreduce.Pin())
	}
	if r.MemoryLimit > 0 {
		options = append(options, mapreduce.MemoryLimit(r.MemoryLimit))
	}
	return options
}
