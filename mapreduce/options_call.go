package mapreduce

import (
	"fmt"
	"time"
)

// Chunksize sets how many items travel in one message. The size is exact, except for the last chunk
// of an input and for items that are sent again. 0, the default, chooses the size from the measured
// time and bytes of the items.
func Chunksize(n int) Option {
	return bothFunc(func(o *callOptions) error {
		if n < 0 {
			return fmt.Errorf("mapreduce: Chunksize(%d): must be at least 1, or 0 for automatic", n)
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
			return fmt.Errorf("mapreduce: Timeout(%v): must be positive, or 0 for none", d)
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

// KeepGoing lets a job ([Job.Run], [Job.Results]) go on without the pieces of the input whose Map
// fails, and reduce what the others have emitted. [Result.Failed] has the failures, which Run
// returns with its map as [TaskErrors]. Each message then has one piece. What Combine does to
// the pairs of one piece counts as its Map; other failures of Combine, and those of Reduce, still
// fail the job. For other verbs the option does nothing.
func KeepGoing() CallOption {
	return callFunc(func(o *callOptions) error {
		o.keepGoing = true
		return nil
	})
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
			return fmt.Errorf("mapreduce: Retries(%d): must be at least 0", n)
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

// AtPlace runs all items of a call at one place of the pool, 0 to [Procs] - 1, whichever worker is
// there. A pool runs one item at a time at each place, and a worker that replaces another has the
// same place: so a place can stand for a device, a port or a folder. A task finds its own place in
// [CurrentWorker]. Places without work stay idle, and such a call has no [Backups]. The call fails
// if the pool has no such place, or loses it by [Pool.Resize].
func AtPlace(n int) CallOption {
	return callFunc(func(o *callOptions) error {
		if n < 0 || n >= MaxProcs {
			return fmt.Errorf("mapreduce: AtPlace(%d): must be from 0 to %d", n, MaxProcs-1)
		}
		o.place = n + 1
		return nil
	})
}
