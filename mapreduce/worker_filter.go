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
// A line of output does not show which line of input it answers. But a program that asks for input
// has written everything it had to say by then. So a filter first writes a line without its
// newline, which the program cannot answer yet, and waits until the program has read it: output up
// to that point belongs to no item, and output after the newline is the answer.
type filter struct {
	cmd      *exec.Cmd
	in       *os.File // a pipe that holds only one write at a time
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
		return nil, fmt.Errorf("start the program: %w", err) // whose message names the program
	}
	return f, nil
}

// ask passes the program one line and returns its answer. After an error, and after an empty line,
// the program has ended.
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

// errUnasked is the error of a program whose output lines cannot be matched to its input lines.
var errUnasked = errors.New("printed unexpected output; it must answer each line with exactly one line")

func unasked(text string) error {
	const most = 200
	if len(text) > most {
		text = text[:most]
	}
	return fmt.Errorf("%w: %q", errUnasked, text)
}

// exchange passes the program a line that is not empty, and returns its answer.
func (f *filter) exchange(line string) (string, error) {
	early, err := f.offer(line)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(line, early) { // a program may copy each byte as it arrives
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

// offer writes a line without its newline to the program, and returns what the program printed
// before it asked for more input.
func (f *filter) offer(line string) (early string, err error) {
	var broken error
	f.offering.Go(func() { // the program may print much before it has read the whole line
		if _, broken = io.WriteString(f.in, line); broken == nil {
			broken = proc.AwaitTaken(f.in)
		}
		_ = f.out.SetReadDeadline(time.Unix(1, 0)) // stops the read below: nothing more will come
	})
	early, err = f.lines.ReadString('\n')
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return early, err
	}
	if f.offering.Wait(); broken != nil {
		return "", broken
	}
	_ = f.out.SetReadDeadline(time.Time{})
	rest := make([]byte, proc.Waiting(f.out)) // left unread because of the deadline
	_, err = io.ReadFull(f.lines, rest)
	return early + string(rest), err
}

// exchangeLast passes the program an empty line, of which no part can be held back, and returns its
// answer: all that the program prints until it ends.
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

// kill kills the program and closes its pipes, which ends reads and writes that wait, even if other
// processes hold the other ends.
func (f *filter) kill() {
	_ = f.cmd.Process.Kill()
	f.close()
}

func (f *filter) close() {
	f.in.Close()
	f.out.Close()
}

// end closes the program's input and waits until the program ends. If ctx ends first, it kills the
// program.
func (f *filter) end(ctx context.Context) error {
	_ = f.in.Close()
	defer context.AfterFunc(ctx, f.kill)()
	err := f.cmd.Wait()
	f.close()
	f.offering.Wait()
	return err
}

// endSoon is like end, with a limit of [KillGrace], for a program that failed or should have ended.
func (f *filter) endSoon() error {
	ctx, cancel := context.WithTimeout(context.Background(), KillGrace)
	defer cancel()
	return f.end(ctx)
}

func (c *command) run(ctx context.Context, line string) (string, error) {
	if strings.Contains(line, "\n") {
		return "", errors.New("the argument of a command must be one line, but contains a newline")
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
