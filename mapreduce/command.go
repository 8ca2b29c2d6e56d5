package mapreduce

import (
	"strings"
)

// Command registers a task that another program computes, in any language: each worker starts the
// program once, writes an argument to its standard input as a line, and reads a line from its
// standard output as the result. The program must flush each line. Its standard error is that of
// the worker. Like [Func], Command must be called for a package variable.
//
// An item gets its own answer or an error. It fails if the program ends or closes its output before
// it has answered, or prints anything beyond one answer per line, such as a greeting or a second
// line. Then the program is killed, and the next item starts it again. A program that prints
// nothing keeps its item waiting: set a [Timeout]; when the item's context ends, the program is
// killed. An empty argument is the last one that its program gets, and the program must then end:
// nothing else shows which output answers an empty line. An argument that contains a newline is an
// error.
//
// A program never outlives its worker. When the worker ends in good order, it closes the program's
// input and waits for the program.
func Command(name string, args ...string) *Task[string, string] {
	c := &command{name: name, args: args}
	return newTask("command "+strings.Join(append([]string{name}, args...), " "), c.run)
}

type command struct {
	name string
	args []string
}
