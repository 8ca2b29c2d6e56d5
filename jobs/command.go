package jobs

import (
	"context"
	"fmt"
	"io"
	"sort"
	"sync"
)

// A Command is a job as people run it: NAME [flags] [ARGS].
type Command struct {
	Name    string // one word
	Summary string // one sentence, shown in lists and on top of the help
	Args    string // what follows the flags, such as "FILE..."; empty: nothing may follow
	Example string // flags and arguments to copy, such as "-n 1e8 -procs 4"

	// New binds the job's flags to new parameters, and returns the work that they describe once
	// they are parsed.
	New func(flags *Flags) Work
}

// Work is what a command does once its flags are set. [Fold] or [Keyed] makes it, for one run.
type Work interface {
	Output
	// run does the work on e. It splits the input first, so that bad input is reported before a
	// process is started.
	run(ctx context.Context, e *engine, args []string) error
}

// Output is the result of a run, for people and for programs. Its methods are called after the run.
type Output interface {
	// Show writes the result as text. The same input gives the same bytes.
	Show(w io.Writer) error
	// Result returns the result for JSON; see [WriteJSON], and [Text] for text that may not be
	// UTF-8.
	Result() any
	// Params returns the parameters for JSON.
	Params() any
	// Units returns the amount of work, for rates: terms, values, bytes.
	Units() int64
}

// A Noter has remarks about a run that are not part of its result, such as times. They are written
// to standard error.
type Noter interface {
	Notes() []string
}

var registered struct {
	mu       sync.Mutex
	commands map[string]Command
}

// Register adds a command; call it before [Main], in an init function for example. It panics if the
// command has no name, no summary or no New, or if its name is taken.
func Register(c Command) {
	registered.mu.Lock()
	defer registered.mu.Unlock()
	if c.Name == "" || c.Summary == "" || c.New == nil {
		panic(fmt.Sprintf("jobs: command %q needs a name, a summary and New", c.Name))
	}
	if _, taken := registered.commands[c.Name]; taken {
		panic(fmt.Sprintf("jobs: command %q is registered twice", c.Name))
	}
	if registered.commands == nil {
		registered.commands = make(map[string]Command)
	}
	registered.commands[c.Name] = c
}

// Lookup returns the command with that name. The error suggests the nearest name of a command, or
// of others.
func Lookup(name string, others ...string) (Command, error) {
	registered.mu.Lock()
	c, ok := registered.commands[name]
	registered.mu.Unlock()
	if ok {
		return c, nil
	}
	return c, unknownJob(name, append(names(), others...))
}

func unknownJob(name string, known []string) error {
	if meant := nearest(name, known); meant != "" {
		return usagef("no job %q; did you mean %q? (%s --help lists all)", name, meant, program)
	}
	return usagef("no job %q (%s --help lists all)", name, program)
}

// names returns the names of all commands, sorted.
func names() []string {
	registered.mu.Lock()
	defer registered.mu.Unlock()
	var all []string
	for name := range registered.commands {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}
