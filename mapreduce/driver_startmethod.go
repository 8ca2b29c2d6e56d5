package mapreduce

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// startMethods are the ways in which workers can be started, by name.
var startMethods = []struct {
	name string
	set  func(o *poolOptions, command []string) error
}{
	{"exec", func(o *poolOptions, _ []string) error {
		o.spares, o.path, o.args, o.inProcess = min(o.spares, 0), "", nil, false
		return nil
	}},
	{"spare", func(o *poolOptions, _ []string) error { o.spares = max(o.spares, 1); return nil }},
	{"command", func(o *poolOptions, command []string) error {
		if len(command) == 0 {
			return errors.New("name the program: StartMethod(\"command\", path, args...)")
		}
		return o.program(command[0], command[1:])
	}},
	{"inprocess", func(o *poolOptions, _ []string) error { o.inProcess = true; return nil }},
}

// StartMethod sets by name how workers, and the processes of [Task.Start], are started, as Python's
// set_start_method does:
//
//   - "exec" starts this program again. It is the default.
//   - "spare" does so ahead of time: see [Spares], of which there is one unless that option says otherwise.
//   - "command" starts another program, the command: see [Program].
//   - "inprocess" starts goroutines of this process: see [InProcess].
//
// The error about another name lists these. Only "command" takes a command.
func StartMethod(name string, command ...string) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		var names []string
		for _, method := range startMethods {
			names = append(names, method.name)
		}
		i := slices.Index(names, name)
		if i < 0 {
			return fmt.Errorf("mapreduce: StartMethod(%q): there is no such method; there are %s", name, strings.Join(names, ", "))
		}
		if len(command) > 0 && name != "command" {
			return fmt.Errorf("mapreduce: StartMethod(%q): only \"command\" may have a command", name)
		}
		if err := startMethods[i].set(o, command); err != nil {
			return fmt.Errorf("mapreduce: StartMethod(%q): %w", name, err)
		}
		return nil
	})
}

// InProcess runs workers, and the processes of [Task.Start], as goroutines of this process: for
// debuggers, and for tests that must be fast. Results are the same, and arguments are copied as
// usual. Options that need a process are rejected with [errors.ErrUnsupported], as are
// [Process.Suspend], [Process.Resume] and signals that do not end a process. A task that waits for
// a task of its own pool, with its context, gets an error. A task that ends the process ends the
// program, and a task that does not return at its [Timeout], or when it is terminated or killed, is
// left behind. What tasks print or log does not go through [Output] and [Logger].
func InProcess() WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		o.inProcess = true
		return nil
	})
}

// checkInProcess rejects what a goroutine cannot have.
func (o *poolOptions) checkInProcess() error {
	if !o.inProcess {
		return nil
	}
	if o.memory > 0 || o.nice > 0 || o.pin || o.env != nil || o.dir != "" || o.path != "" || o.maxGrowth > 0 {
		return fmt.Errorf("mapreduce: InProcess: limits, environment and program need worker processes: %w", errors.ErrUnsupported)
	}
	return nil
}
