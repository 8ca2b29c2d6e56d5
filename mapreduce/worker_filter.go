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
	"sync"
	"time"

	"mrrun/mapreduce/internal/proc"
)

// A filter is the running program of a command, in a worker.
//
// That a line is the answer to another cannot be told by looking at it. What can be told is that the program asks for
// input: it has said then all that it had to say. So a filter gives it a line without the newline first, which it cannot
// answer, and waits until it has taken that: what comes until then belongs to no item, and what comes after the newline is
// the answer.
type filter struct {
	cmd      *exec.Cmd
	in       *os.File // holds but one write at a time
	out      *os.File
	lines    *bufio.Reader // of out
	offering sync.WaitGroup
}

func startFilter(c *command) (*filter, error) {
	in, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	r, out, err := os.Pipe()
	if err != nil {
		w.Close()
		return nil, err
	}
	defer out.Close()
	proc.Narrow(w)
	f := &filter{cmd: exec.Command(c.name, c.args...), in: w, out: r, lines: bufio.NewReader(r)}
	f.cmd.Stdin, f.cmd.Stdout, f.cmd.Stderr = in, out, os.Stderr
	if err := f.cmd.Start(); err != nil {
		f.close()
		return nil, fmt.Errorf("start the program: %w", err) // which names it
	}
	return f, nil
}

// ask has the program answer one line. After an error, and after an empty line, the program has ended.
func (f *filter) ask(ctx context.Context, line string) (string, error) {
	stop := context.AfterFunc(ctx, f.kill)
	exchange := f.exchange
	if line == "" {
		exchange = f.exchangeLast
	}
	answer, err := exchange(line)
	if stop() && err == nil {
		return answer, nil
	}
	ended := f.endSoon()
	if cause := context.Cause(ctx); cause != nil {
		return "", cause
	}
	if errors.Is(err, errUnasked) {
		return "", fmt.Errorf("%s %w", f.cmd.Path, err)
	}
	if ended != nil {
		err = ended
	}
	return "", fmt.Errorf("%s gave no answer: %w", f.cmd.Path, err)
}

// errUnasked is about a program whose lines cannot be told apart.
var errUnasked = errors.New("printed what nobody asked for; it must answer each line with one line, and print no others")

func unasked(text string) error {
	const most = 200
	if len(text) > most {
		text = text[:most]
	}
	return fmt.Errorf("%w: %q", errUnasked, text)
}

// exchange returns the answer to a line that is not empty.
func (f *filter) exchange(line string) (string, error) {
	early, err := f.offer(line)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(line, early) { // else it copies each byte as it comes
		return "", unasked(early)
	}
	if _, err := io.WriteString(f.in, "\n"); err != nil {
		return "", err
	}
	answer, err := f.lines.ReadString('\n')
	if err != nil {
		return "", err
	}
	if n := f.lines.Buffered() + proc.Waiting(f.out); n > 0 {
		more := make([]byte, n)
		_, _ = io.ReadFull(f.lines, more)
		return "", unasked(answer + string(more))
	}
	return early + strings.TrimSuffix(answer, "\n"), nil
}

// offer gives the program a line without its newline, and returns what the program has said until it asked for more.
func (f *filter) offer(line string) (early string, err error) {
	var broken error
	f.offering.Go(func() { // a program may say much before it has read all
		if _, broken = io.WriteString(f.in, line); broken == nil {
			broken = proc.AwaitTaken(f.in)
		}
		_ = f.out.SetReadDeadline(time.Unix(1, 0)) // there will be no more
	})
	early, err = f.lines.ReadString('\n')
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return early, err
	}
	if f.offering.Wait(); broken != nil {
		return "", broken
	}
	_ = f.out.SetReadDeadline(time.Time{})
	rest := make([]byte, proc.Waiting(f.out)) // which the deadline has kept from being read
	_, err = io.ReadFull(f.lines, rest)
	return early + string(rest), err
}

// exchangeLast returns the answer to an empty line, of which no part can be held back: all that the program says until it
// ends.
func (f *filter) exchangeLast(string) (string, error) {
	if _, err := io.WriteString(f.in, "\n"); err != nil {
		return "", err
	}
	if err := proc.AwaitTaken(f.in); err != nil {
		return "", err
	}
	_ = f.in.Close()
	answer, err := f.lines.ReadString('\n')
	if err != nil {
		return "", err
	}
	if more, err := f.lines.Peek(1); err == nil {
		return "", unasked(answer + string(more))
	}
	_ = f.endSoon()
	return strings.TrimSuffix(answer, "\n"), nil
}

// kill ends the program, and what waits for it, though others may hold its pipes.
func (f *filter) kill() {
	_ = f.cmd.Process.Kill()
	f.close()
}

func (f *filter) close() {
	f.in.Close()
	f.out.Close()
}

// end closes the program's input and waits for the program, which is killed when ctx ends.
func (f *filter) end(ctx context.Context) error {
	_ = f.in.Close()
	defer context.AfterFunc(ctx, f.kill)()
	err := f.cmd.Wait()
	f.close()
	f.offering.Wait()
	return err
}

// endSoon is end for a program that has failed, or should have ended.
func (f *filter) endSoon() error {
	ctx, cancel := context.WithTimeout(context.Background(), KillGrace)
	defer cancel()
	return f.end(ctx)
}

func (c *command) run(ctx context.Context, line string) (string, error) {
	if strings.Contains(line, "\n") {
		return "", errors.New("the argument of a command is one line, and this one has a newline in it")
	}
	filters := currentItem(ctx).chunk.filters
	f := filters[c]
	if f == nil {
		var err error
		if f, err = startFilter(c); err != nil {
			return "", err
		}
		filters[c] = f
	}
	answer, err := f.ask(ctx, line)
	if err != nil || line == "" {
		delete(filters, c)
	}
	return answer, err
}
