package mapreduce

import (
	"fmt"
)

// An OutputLine is a line that a worker, or a process of its own, printed.
type OutputLine struct {
	Worker  int    // ID of the worker
	Item    int    // index of the item that printed it; -1: none, or that is not known
	Process string // name of a process that Task.Start started; empty: it is a worker of a pool
	Stderr  bool   // printed to standard error, not output
	Text    string // without the newline
}

// Output has f get the lines that workers print to standard output and standard error. Without, they go to those of the
// driver, each behind its worker and item: "[worker 2, item 17] hello", or behind the name of its process. The item is right
// or missing: that of a line which comes long after the begin of its item is known as a rule, of many short items it is not.
// Lines are never mixed; one of more than 64 KiB comes in pieces. All lines have come when [Pool.Close], or [Process.Wait], returns. Without,
// the many lines of a crash are cut to its reason and the frames of the user's code, unless GOTRACEBACK in the driver's
// environment asks for more, such as "all".
//
// One option calls f for one line at a time, of all pools and processes that it is given to; others do not wait for it. f
// may use other pools, but must not wait for those that it prints for: their workers wait for it. A panic of f is reported
// to standard error, and costs its line.
func Output(f func(OutputLine)) WorkerOption {
	s := &lineSink{f: f}
	return workerFunc(func(o *poolOptions) error {
		o.output = s
		return nil
	})
}

// String returns the line with its origin in front.
func (l OutputLine) String() string {
	switch {
	case l.Process != "":
		return fmt.Sprintf("[%s] %s", l.Process, l.Text)
	case l.Item < 0:
		return fmt.Sprintf("[worker %d] %s", l.Worker, l.Text)
	}
	return fmt.Sprintf("[worker %d, item %d] %s", l.Worker, l.Item, l.Text)
}
