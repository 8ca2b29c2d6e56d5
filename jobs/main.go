package jobs

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"

	"mrrun/internal/stdio"
	"mrrun/mapreduce"
)

// Version is the version of the command.
const Version = "0.1.0"

// A Tool is a command that is not a job, such as bench.
type Tool struct {
	Name    string
	Summary string
	// Run gets the words after the name, and writes its results to out.
	Run func(ctx context.Context, words []string, out io.Writer) error
}

// Main is the main function of a program with all registered jobs, and of its workers. It does not
// return. The exit status is 0, 1 if the job failed, 2 for a wrong command line, 3 if with
// --keep-going some pieces failed, 70 for a fault of the program itself, 129 after SIGHUP, 130 after
// Ctrl-C and 143 after SIGTERM.
func Main(tools ...Tool) {
	mapreduce.Main(func(ctx context.Context) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = internalError{fmt.Sprintf("internal error: %v\n%s", p, debug.Stack())}
			}
		}()
		if err := stdio.CheckOutput(); err != nil { // before any work is done
			return err
		}
		log.SetFlags(0)
		log.SetPrefix("mrrun: ")
		return dispatch(ctx, os.Args[1:], os.Stdout, tools)
	})
}

// Exit statuses besides those of [mapreduce.Main].
const (
	exitUsage    = 2
	exitPartial  = 3
	exitInternal = 70
)

// A usageError is an error about the command line.
type usageError struct{ error }

func (usageError) ExitCode() int { return exitUsage }

func (e usageError) Unwrap() error { return e.error }

// Usagef returns an error about the command line; the exit status is 2.
func Usagef(format string, args ...any) error { return usagef(format, args...) }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

type internalError struct{ text string }

func (e internalError) Error() string { return e.text }
func (internalError) ExitCode() int   { return exitInternal }

func dispatch(ctx context.Context, words []string, out io.Writer, tools []Tool) error {
	if len(words) == 0 {
		return usagef("which job? %s (see mrrun --help)", strings.Join(names(), ", "))
	}
	name, rest := words[0], words[1:]
	switch name {
	case "--help", "-help", "-h":
		return printHelp(out, tools)
	case "help":
		if len(rest) > 0 {
			return dispatch(ctx, []string{rest[0], "--help"}, out, tools)
		}
		return printHelp(out, tools)
	case "version", "--version":
		_, err := fmt.Fprintf(out, "mrrun %s %s %s/%s\n", Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return err
	}
	if strings.HasPrefix(name, "-") {
		return usagef("%s comes before the job: mrrun JOB [flags] (see mrrun --help)", name)
	}
	for _, tool := range tools {
		if tool.Name == name {
			return tool.Run(ctx, rest, out)
		}
	}
	others := []string{"version"}
	for _, tool := range tools {
		others = append(others, tool.Name)
	}
	c, err := Lookup(name, others...)
	if err != nil {
		return err
	}
	return c.main(ctx, rest, out)
}

// main runs one job from its command line.
func (c Command) main(ctx context.Context, words []string, out io.Writer) error {
	running := DefaultRunning()
	line, err := NewLine("mrrun "+c.Name, c, words, running.bind)
	if errors.Is(err, pflag.ErrHelp) {
		return c.printHelp(out)
	}
	if err != nil {
		return err
	}
	var progress progressFunc
	if running.Quiet {
		defer slog.SetLogLoggerLevel(slog.SetLogLoggerLevel(slog.LevelError))
	} else {
		progress = func(total int, done func() int) func() { return showProgress(os.Stderr, c.Name, total, done) }
	}
	run, err := line.runOnce(ctx, running, progress)
	if err != nil {
		return err
	}
	if !running.Quiet {
		for _, note := range notesOf(run.Output) {
			fmt.Fprintf(os.Stderr, "mrrun: %s\n", note)
		}
		if run.Lost > 0 {
			fmt.Fprintf(os.Stderr, "mrrun: workers lost: %d, pieces tried again: %d\n", run.Lost, run.Retried)
		}
	}
	for _, failure := range run.failures() {
		fmt.Fprintf(os.Stderr, "mrrun: %s\n", failure)
	}
	if !streams(run.Output) {
		err = run.write(out, c.Name, running.JSON)
	}
	return cmp.Or(err, run.incomplete())
}

// write writes the result as text or as JSON.
func (r *Run) write(out io.Writer, job string, asJSON bool) error {
	buffered := bufio.NewWriter(out)
	show := r.Show
	if asJSON {
		show = func(w io.Writer) error { return r.writeJSON(w, job) }
	}
	err := show(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

func (r *Run) writeJSON(w io.Writer, job string) error {
	var failed []int
	for _, f := range r.Failed {
		failed = append(failed, f.Piece)
	}
	return WriteJSON(w, struct {
		Job        string  `json:"job"`
		Parameters any     `json:"parameters"`
		Result     any     `json:"result"`
		Procs      int     `json:"procs"`
		Chunks     int     `json:"chunks"`
		Lost       int     `json:"lost"`
		Retried    int     `json:"retried"`
		Failed     []int   `json:"failed,omitempty"` // pieces, counted from 1
		Seconds    float64 `json:"seconds"`
		WorkerPIDs []int   `json:"worker_pids"`
	}{job, r.Params(), r.Result(), r.Procs, r.Chunks, r.Lost, r.Retried, failed, r.Seconds, r.PIDs})
}
