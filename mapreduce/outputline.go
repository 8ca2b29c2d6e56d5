package mapreduce

import (
	"fmt"
	"io"
)

// An OutputLine is a line that a worker or a [Process] printed.
type OutputLine struct {
	Worker  int    // ID of the worker
	Item    int    // index of the item that printed it; -1: none or unknown
	Process string // name of the [Process]; empty: it is a worker of a pool
	Stderr  bool   // printed to standard error, not to standard output
	Text    string // without the newline
}

// Output passes the lines that workers print to standard output and standard error to f. Without
// Output, they go to those of the driver, each with its worker and item in front, as in "[worker 2,
// item 17] hello", or with the name of its process. The item is either right or missing: it is
// usually known for a line that comes long after its item began, and usually not if many short
// items print. Lines are never mixed; a line of more than 64 KiB comes in pieces. All lines have
// arrived when [Pool.Close] or [Process.Wait] returns. Without Output, the many lines of a crash
// are cut to its reason and the frames of the user's code, unless GOTRACEBACK in the driver's
// environment asks for more, such as "all".
//
// One option calls f for one line at a time, for all pools and processes to which it is given;
// other options do not wait for it. f may use other pools, but must not wait for those whose lines
// it receives, since their workers wait for it. A panic of f is reported to standard error, and its
// line is lost.
func Output(f func(OutputLine)) WorkerOption {
	s := &lineSink{f: f}
	return workerFunc(func(o *poolOptions) error {
		o.output = s
		return nil
	})
}

// PrintTo sets where lines go that workers print to standard output and standard error, as
// described for [Output], instead of to those of this process. Each Write gets one line, several
// goroutines call Write, and errors are ignored. It has no effect together with Output.
func PrintTo(stdout, stderr io.Writer) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		o.printTo = [2]io.Writer{stdout, stderr}
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
