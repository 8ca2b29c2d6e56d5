package mapreduce

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Command registers a task that another program computes, in any language: each worker starts it once, writes an argument
// to its standard input as a line, and reads a line from its standard output as the result. The program must flush each
// line. What it prints to standard error goes where the worker's goes. Like [Func] it is called for a package variable.
//
// When the program ends or closes its output, the item fails with its exit status, and the next one starts it anew; when
// the item's context ends, it is killed. It never outlives its worker. An argument with a newline in it is an error.
func Command(name string, args ...string) *Task[string, string] {
	c := &command{name: name, args: args}
	t := newTask("command "+strings.Join(append([]string{name}, args...), " "), c.run)
	return t
}

type command struct {
	name string
	args []string
}

// A filter is the running program of a command, in a worker.
type filter struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (c *command) run(ctx context.Context, line string) (string, error) {
	if strings.Contains(line, "\n") {
		return "", errors.New("the argument of a command is one line, and this one has a newline in it")
	}
	filters := currentItem(ctx).chunk.filters
	f := filters[c]
	if f == nil {
		var err error
		if f, err = c.start(); err != nil {
			return "", err
		}
		filters[c] = f
	}
	answer, err := f.ask(ctx, line)
	if err != nil {
		delete(filters, c)
	}
	return answer, err
}

func (c *command) start() (*filter, error) {
	f := &filter{cmd: exec.Command(c.name, c.args...)}
	f.cmd.Stderr = os.Stderr
	in, err := f.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := f.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	f.in, f.out = in, bufio.NewReader(out)
	if err := f.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	return f, nil
}

// ask has the program answer one line. After an error the program has ended.
func (f *filter) ask(ctx context.Context, line string) (string, error) {
	stop := context.AfterFunc(ctx, func() { _ = f.cmd.Process.Kill() })
	wrote := make(chan error, 1)
	go func() { // the answer to a long line may begin before the line has been read
		_, err := io.WriteString(f.in, line+"\n")
		wrote <- err
	}()
	answer, err := f.out.ReadString('\n')
	if err == nil {
		err = <-wrote
	}
	if stop() && err == nil {
		return strings.TrimSuffix(answer, "\n"), nil
	}
	ended := f.end(KillGrace)
	if cause := context.Cause(ctx); cause != nil {
		return "", cause
	}
	return "", fmt.Errorf("%s gave no answer: %w", f.cmd.Path, errors.Join(ended, err))
}

// end closes the program's input, and kills the program if that does not end it within grace.
func (f *filter) end(grace time.Duration) error {
	_ = f.in.Close()
	kill := time.AfterFunc(grace, func() { _ = f.cmd.Process.Kill() })
	defer kill.Stop()
	return f.cmd.Wait()
}

// endFilters ends the programs of a worker that ends; of one that is a process, what is left is killed with it.
func (s *server) endFilters() {
	for _, f := range s.filters {
		_ = f.end(KillGrace)
	}
}
