package mapreduce

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// Nice lowers the priority of the workers below that of this process, by 1 to 19, as nice -n does;
// 19 is the lowest priority. 0 changes nothing.
func Nice(n int) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		if n < 0 || n > 19 {
			return fmt.Errorf("mapreduce: Nice(%d): must be from 0 to 19", n)
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
			return fmt.Errorf("mapreduce: Spares(%d): must be from 0 to %d", n, MaxProcs)
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
			return fmt.Errorf("mapreduce: StartTimeout(%v): must be positive", d)
		}
		o.hello = d
		return nil
	})
}

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
