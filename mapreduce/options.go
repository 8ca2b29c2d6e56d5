package mapreduce

import (
	"fmt"
	"runtime"
)

// MaxProcs is the largest number of workers a pool may have.
const MaxProcs = 1024

// A PoolOption changes what [NewPool] makes.
type PoolOption interface{ applyPool(*poolOptions) error }

// A CallOption changes one call of a verb such as [Task.Map].
type CallOption interface{ applyCall(*callOptions) error }

// An Option may be given to a pool, for all its calls, or to one call, which it then overrides.
type Option interface {
	PoolOption
	CallOption
}

type poolOptions struct {
	procs int
	call  callOptions
}

type callOptions struct {
	chunksize int // 0: automatic
}

type procs int

// Procs sets the number of workers, 1 to [MaxProcs]. 0, the default, means as many as there are usable cores: what
// [runtime.GOMAXPROCS] says, which knows of processor affinity and cgroup limits.
func Procs(n int) PoolOption { return procs(n) }

func (n procs) applyPool(o *poolOptions) error {
	if n < 0 || n > MaxProcs {
		return fmt.Errorf("mapreduce: Procs(%d): takes 1 to %d, or 0 for as many as there are cores", int(n), MaxProcs)
	}
	o.procs = int(n)
	return nil
}

type chunksize int

// Chunksize sets how many items travel in one message. It is kept exactly, but for the last chunk of an input. 0, the
// default, chooses the size by the measured time of the items and the bytes that they take.
func Chunksize(n int) Option { return chunksize(n) }

func (n chunksize) applyPool(o *poolOptions) error { return n.applyCall(&o.call) }

func (n chunksize) applyCall(o *callOptions) error {
	if n < 0 {
		return fmt.Errorf("mapreduce: Chunksize(%d): takes a number from 1, or 0 for automatic", int(n))
	}
	o.chunksize = int(n)
	return nil
}

func newPoolOptions(opts []PoolOption) (o poolOptions, err error) {
	for _, opt := range opts {
		if err := opt.applyPool(&o); err != nil {
			return o, err
		}
	}
	if o.procs == 0 {
		o.procs = min(runtime.GOMAXPROCS(0), MaxProcs)
	}
	return o, nil
}

func (o callOptions) with(opts []CallOption) (callOptions, error) {
	for _, opt := range opts {
		if err := opt.applyCall(&o); err != nil {
			return o, err
		}
	}
	return o, nil
}
