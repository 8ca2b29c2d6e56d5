package jobs

import (
	"fmt"
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
