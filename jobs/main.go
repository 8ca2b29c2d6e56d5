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
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"mrrun/internal/plain"
	"mrrun/internal/stdio"
	"mrrun/internal/usage"
	"mrrun/mapreduce"
)

// A Tool is a command that is not a job, such as bench.
type Tool struct {
	Name    string
	Summary string
	// Run gets the words after the name, and writes its results to out.
	Run func(ctx context.Context, words []string, out io.Writer) error
	// Complete returns what may stand in place of the last of words, for shells; see [Completion].
	// It may be nil.
	Complete func(words []string) []Completion
}

// Main is the main function of a program with all registered jobs, and of its workers. It does not
// return. A program that has one job and no tools is that job: its users do not type the job's
// name. The program speaks under the name of its file.
//
// The exit status is 0, 1 if the job failed, 2 for a wrong command line, 3 if with --keep-going
// some pieces failed, 70 for a fault of the program itself, 129 after SIGHUP, 130 after Ctrl-C and
// 143 after SIGTERM.
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
		log.SetPrefix(program + ": ")
		err = dispatch(ctx, os.Args[1:], os.Stdout, tools)
		if err != nil && isTerminal(os.Stderr) {
			err = plainError{err}
		}
		return err
	})
}

// A plainError has the text of an error as a terminal may show it.
type plainError struct{ error }

func (e plainError) Error() string { return plain.Text(e.error.Error()) }
func (e plainError) Unwrap() error { return e.error }

// program is the name under which this program speaks.
var program = filepath.Base(os.Args[0])

// Exit statuses besides those of [mapreduce.Main].
const (
	exitUsage    = usage.ExitCode
	exitPartial  = 3
	exitInternal = 70
)

// Usagef returns an error about the command line; the exit status is 2. If a job returns it, "(see
// mrrun JOB --help)" is added.
func Usagef(format string, args ...any) error { return usagef(format, args...) }

func usagef(format string, args ...any) error { return usage.Errorf(format, args...) }

type internalError struct{ text string }

func (e internalError) Error() string { return e.text }
func (internalError) ExitCode() int   { return exitInternal }

// An app is what the program offers.
type app struct {
	tools []Tool
	only  *Command // the program is this job alone
}

func dispatch(ctx context.Context, words []string, out io.Writer, tools []Tool) error {
	a := app{}
	if all := names(); len(all) == 1 && len(tools) == 0 {
		c, _ := Lookup(all[0])
		a.only = &c
	}
	a.tools = append(a.builtin(), tools...)
	if a.only != nil {
		return a.dispatchOnly(ctx, words, out)
	}
	return a.dispatch(ctx, words, out)
}

func (a *app) dispatch(ctx context.Context, words []string, out io.Writer) error {
	if len(words) == 0 {
		return usagef("which job? %s (see %s --help)", strings.Join(names(), ", "), program)
	}
	name, rest := words[0], words[1:]
	switch name {
	case "--help", "-help", "-h":
		return a.printHelp(out)
	case "--version", "-version":
		return printVersion(out)
	case completeWord:
		return writeCompletions(out, a.complete(rest))
	}
	if strings.HasPrefix(name, "-") {
		return usagef("%s comes before the job: %s JOB [flags] (see %[2]s --help)", name, program)
	}
	for _, tool := range a.tools {
		if tool.Name == name {
			return tool.run(ctx, rest, out)
		}
	}
	c, err := Lookup(name)
	if err == nil {
		return c.main(ctx, program+" "+name, rest, out)
	}
	if path := findPlugin(name); path != "" {
		return runPlugin(path, rest)
	}
	known := a.builtinNames()
	for _, p := range a.plugins() {
		known = append(known, p.Name)
	}
	return unknownJob(name, known)
}

// dispatchOnly is dispatch for a program that is one job.
func (a *app) dispatchOnly(ctx context.Context, words []string, out io.Writer) error {
	if len(words) > 0 {
		switch words[0] {
		case "--version", "-version":
			return printVersion(out)
		case completeWord:
			return writeCompletions(out, a.complete(words[1:]))
		case "--completion", "--man":
			return a.tool(strings.TrimLeft(words[0], "-")).Run(ctx, words[1:], out)
		}
	}
	return a.only.main(ctx, program, words, out)
}

// builtinNames are the names that may come first, but for plugins.
func (a *app) builtinNames() []string {
	all := names()
	for _, tool := range a.tools {
		all = append(all, tool.Name)
	}
	return all
}

func (a *app) tool(name string) Tool {
	for _, tool := range a.tools {
		if tool.Name == name {
			return tool
		}
	}
	return Tool{}
}

// builtin returns the tools that every program has.
func (a *app) builtin() []Tool {
	return []Tool{
		{Name: "completion", Summary: "Print what makes a shell complete command lines: bash, zsh or fish.",
			Run: a.completion, Complete: completeShells},
		{Name: "help", Summary: "Explain a job and each of its flags.", Run: a.help, Complete: func(words []string) []Completion {
			return completeNames(words, names())
		}},
		{Name: "man", Summary: "Print the manual page.", Run: a.man},
		{Name: "plugins", Summary: "List the programs on PATH that run as " + program + " NAME.", Run: a.listPlugins},
		{Name: "version", Summary: "Print the version.", Run: func(_ context.Context, _ []string, out io.Writer) error {
			return printVersion(out)
		}},
	}
}

// run runs the tool. One that does not explain itself is explained by its summary.
func (t Tool) run(ctx context.Context, words []string, out io.Writer) error {
	err := t.Run(ctx, words, out)
	asked := len(words) > 0 && slices.Contains([]string{"--help", "-help", "-h"}, words[0])
	if !errors.Is(err, pflag.ErrHelp) && (err == nil || !asked) {
		return err
	}
	_, err = fmt.Fprintf(out, "%s %s: %s\n", program, t.Name, t.Summary)
	return err
}

// help shows all there is to say about a job.
func (a *app) help(ctx context.Context, words []string, out io.Writer) error {
	if len(words) == 0 {
		return a.printHelp(out)
	}
	name := words[0]
	if c, err := Lookup(name); err == nil {
		return c.explain(out, program+" "+name)
	}
	return a.dispatch(ctx, []string{name, "--help"}, out)
}

// main runs one job from its command line, in which it is called name.
func (c Command) main(ctx context.Context, name string, words []string, out io.Writer) error {
	running := DefaultRunning()
	line, err := NewLine(name, c, words, running.bind)
	if errors.Is(err, pflag.ErrHelp) {
		return c.printHelp(out, name)
	}
	if err != nil {
		return err
	}
	if running.Quiet {
		defer slog.SetLogLoggerLevel(slog.SetLogLoggerLevel(slog.LevelError))
	}
	v := newView(c.Name, running)
	defer v.stop()
	run, err := line.runOnce(ctx, running, v)
	if err != nil {
		v.stop()
		return cmp.Or(writeFailures(out, c.Name, running, err), err)
	}
	v.close(run)
	for _, failure := range run.failures() {
		v.say(failure)
	}
	if !run.streamed {
		to, flush := harmless(out)
		err = cmp.Or(run.write(ctx, &lastWriter{to, v}, c.Name, running.JSON), flush())
	}
	return cmp.Or(err, run.incomplete())
}

// write writes the result as text or as JSON.
func (r *Run) write(ctx context.Context, out io.Writer, job string, asJSON bool) error {
	buffered := bufio.NewWriter(&writerUntil{ctx, out})
	show := r.Show
	if asJSON {
		show = func(w io.Writer) error { return r.writeJSON(w, job) }
	}
	err := show(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, cause) {
		return cause
	}
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// A writerUntil fails when its context has ended.
type writerUntil struct {
	ctx context.Context
	io.Writer
}

func (w *writerUntil) Write(p []byte) (int, error) {
	if err := context.Cause(w.ctx); err != nil {
		return 0, err
	}
	return w.Writer.Write(p)
}

// writeFailures writes the pieces whose failure has failed the run, if that is to write JSON.
func writeFailures(out io.Writer, job string, r Running, err error) error {
	failed, ok := errors.AsType[taskFailure](err)
	if !r.JSON || !ok {
		return nil
	}
	return WriteJSON(out, struct {
		Job      string   `json:"job"`
		Error    string   `json:"error"`
		Failures []*facts `json:"failures"`
	}{job, Text(firstLine(failed.text)), failed.facts})
}

func (r *Run) writeJSON(w io.Writer, job string) error {
	var failed []int
	for _, f := range r.Failed {
		failed = append(failed, f.Piece)
	}
	return WriteJSON(w, struct {
		Job        string   `json:"job"`
		Parameters any      `json:"parameters"`
		Result     any      `json:"result"`
		Procs      int      `json:"procs"`
		Chunks     int      `json:"chunks"`
		Lost       int      `json:"lost"`
		Retried    int      `json:"retried"`
		Failed     []int    `json:"failed,omitempty"` // pieces, counted from 1
		Seconds    float64  `json:"seconds"`
		WorkerPIDs []int    `json:"worker_pids"`
		Insights   insights `json:"insights"`
		Failures   []*facts `json:"failures,omitempty"`
	}{job, r.Params(), r.Result(), r.Procs, r.Chunks, r.Lost, r.Retried, failed, r.Seconds, r.PIDs, r.insights(), r.facts})
}
