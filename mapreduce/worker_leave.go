package mapreduce

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"mrrun/transport"
)

// A stateExit is the exit function of a state.
type stateExit struct {
	state string
	run   func() error
}

// leave ends what tasks started: it waits for their processes, then closes the input of their
// programs and waits for those, and then runs the exit functions of the states, the last made
// first. It may take any time; the driver limits it.
func (w *worker) leave() (status int) {
	w.leaveWith("its work")
	if w.host == nil { // in a goroutine, the children belong to the whole program
		w.leaveWithAll("the processes that its tasks have started", childNames())
		_ = endChildren(context.Background())
	}
	ctx, cancel := w.leaveContext()
	defer cancel()
	w.leaveWithAll("its programs", w.filterNames())
	w.endFilters(ctx)
	for i := len(w.exits) - 1; i >= 0; i-- {
		w.leaveWith("the exit function of " + w.exits[i].state)
		if err := w.exits[i].run(); err != nil {
			fmt.Fprintf(os.Stderr, "exit function of worker %d: %v\n", w.process.ID, err)
			status = 1
		}
	}
	return status
}

// leaveContext returns a context that ends when a worker that is a goroutine must have left. A
// worker process is killed instead.
func (w *worker) leaveContext() (context.Context, context.CancelFunc) {
	if w.host == nil {
		return context.WithCancel(context.Background())
	}
	if limit := w.host.options.exitLimit(); limit > 0 {
		return context.WithTimeout(w.host.life, limit)
	}
	return context.WithCancel(w.host.life)
}

// leaveWith tells the driver what the worker does as its last work, so that an error can name it if
// it does not end.
func (w *worker) leaveWith(what string) {
	_, err := w.out.Add(kindLeaving, 0, func(out *transport.Encoder) error {
		_, err := io.WriteString(out, what)
		return err
	})
	if err == nil {
		w.send()
	}
}

// sayLastWord tells the driver that nothing more will come: the exit of a process takes the system
// longer than a small task takes.
func (w *worker) sayLastWord() {
	if _, err := w.out.Add(kindLastWord, 0, nil); err == nil {
		w.send()
	}
}

func (w *worker) leaveWithAll(what string, names []string) {
	if len(names) > 0 {
		w.leaveWith(what + ": " + strings.Join(names, ", "))
	}
}

func (w *worker) filterNames() (names []string) {
	for c := range w.filters {
		names = append(names, c.name)
	}
	return names
}

// endFilters ends the programs, and kills those that still run when ctx ends.
func (w *worker) endFilters(ctx context.Context) {
	for _, f := range w.filters {
		_ = f.in.Close() // so that all of them end at the same time
	}
	for c, f := range w.filters {
		_ = f.end(ctx)
		delete(w.filters, c)
	}
}

// endFiltersSoon ends the programs within [KillGrace], for a worker that is a goroutine and must
// end; the programs of a process are killed with it.
func (w *worker) endFiltersSoon() {
	ctx, cancel := context.WithTimeout(context.Background(), KillGrace)
	defer cancel()
	w.endFilters(ctx)
}
