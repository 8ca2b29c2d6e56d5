package mapreduce

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
)

// An OutputLine is a line that a worker, or a process of its own, printed.
type OutputLine struct {
	Worker  int    // ID of the worker
	Item    int    // index of the item that it ran when the line arrived, -1 if it ran none
	Process string // name of a process that Task.Start started; empty: it is a worker of a pool
	Stderr  bool   // printed to standard error, not output
	Text    string // without the newline
}

// Output has f get the lines that workers print to standard output and standard error, one at a time. Without, they go to
// those of the driver, each behind its worker and item: "[worker 2, item 17] hello", or behind the name of its process. Lines are never mixed; one of more
// than 64 KiB comes in pieces. All lines have come when [Pool.Close] returns. f must not wait for the pool: workers that
// print wait for it.
func Output(f func(OutputLine)) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		o.output = f
		return nil
	})
}

// printing makes one line at a time of what all workers print.
var printing sync.Mutex

func (p *Pool) print(l *link, stderr bool, text []byte) {
	line := OutputLine{Worker: l.id, Item: -1, Process: l.name, Stderr: stderr, Text: string(bytes.TrimSuffix(text, []byte("\n")))}
	if c, item := l.running(); c != nil && l.name == "" {
		line.Item = item
	}
	printing.Lock()
	defer printing.Unlock()
	if p.options.output != nil {
		p.options.output(line)
		return
	}
	out := os.Stdout
	if stderr {
		out = os.Stderr
	}
	_, _ = io.WriteString(out, line.String()+"\n")
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
