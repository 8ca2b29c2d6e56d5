package mapreduce

import (
	"strings"
)

// Command registers a task that another program computes, in any language: each worker starts it once, writes an argument
// to its standard input as a line, and reads a line from its standard output as the result. The program must flush each
// line. What it prints to standard error goes where the worker's goes. Like [Func] it is called for a package variable.
//
// An item gets its own answer or an error. It fails when the program ends or closes its output before it has answered, and
// when the program has said what nobody asked for: a greeting, a second line. Then the program is killed, and the next item
// starts it anew. A program that says nothing keeps its item waiting; set a [Timeout]: when the item's context ends, the
// program is killed. An empty argument is the last that its program gets, which must end then: nothing else shows that the
// answer is the one to it. An argument with a newline in it is an error.
//
// A program never outlives its worker. When that ends in good order, the program's input ends, and the worker waits for it.
func Command(name string, args ...string) *Task[string, string] {
	c := &command{name: name, args: args}
	return newTask("command "+strings.Join(append([]string{name}, args...), " "), c.run)
}

type command struct {
	name string
	args []string
}
