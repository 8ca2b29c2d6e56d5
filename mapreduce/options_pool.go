package mapreduce

import (
	"cmp"
	"fmt"
	"time"
)

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
			return fmt.Errorf("mapreduce: Procs(%d): must be from 1 to %d, or 0 for as many as there are cores", n, MaxProcs)
		}
		o.procs = n
		return nil
	})
}

// MaxTasksPerWorker replaces each worker, when it holds nothing, after it has run n items (Python's
// maxtasksperchild, counted in items, not chunks). 0, the default, means any number.
func MaxTasksPerWorker(n int) PoolOption {
	return poolFunc(func(o *poolOptions) error {
		if n < 0 {
			return fmt.Errorf("mapreduce: MaxTasksPerWorker(%d): must be at least 1, or 0 for any", n)
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
			return fmt.Errorf("mapreduce: MaxGrowth(%d): must be positive", bytes)
		}
		o.maxGrowth = bytes
		return nil
	})
}

// IdleTimeout ends the workers when the pool has had no call for d. The next call starts them
// again, which takes a few milliseconds.
func IdleTimeout(d time.Duration) PoolOption {
	return poolFunc(func(o *poolOptions) error {
		if d <= 0 {
			return fmt.Errorf("mapreduce: IdleTimeout(%v): must be positive", d)
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
			return fmt.Errorf("mapreduce: KeepShared(%v): must be positive, or 0 for not at all", d)
		}
		o.shared = d
		if d == 0 {
			o.shared = -1
		}
		return nil
	})
}

func (o *poolOptions) keepShared() time.Duration { return max(0, cmp.Or(o.shared, keepSharedTime)) }
