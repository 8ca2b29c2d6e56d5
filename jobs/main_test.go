package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"mrrun/mapreduce"
)

func TestMain(m *testing.M) {
	if os.Getenv(playVariable) != "" {
		registerPlay()
		Main()
	}
	mapreduce.Init()
	program = "mrrun"
	os.Exit(m.Run())
}

// double fails for 1013 and panics for 1014.
var double = mapreduce.FuncContext(func(_ context.Context, n int) (int, error) {
	switch n {
	case 1013:
		return 0, errors.New("1013 is unlucky")
	case 1014:
		panic("1014 is worse")
	}
	return 2 * n, nil
})

// A doubler is a job for tests: it doubles limit numbers from first on.
type doubler struct {
	limit, sum int64
	first      int
	closed     *int
	failAdd    error
	failFinish error
}

func (d *doubler) Split(_ context.Context, args []string) (Pieces[int], error) {
	if len(args) > 1 {
		return Pieces[int]{}, Usagef("too many words: %q", args)
	}
	numbers := make([]int, d.limit)
	for i := range numbers {
		numbers[i] = d.first + i
	}
	return Pieces[int]{All: slices.Values(numbers), Count: len(numbers)}, nil
}

func (d *doubler) Add(n int) error        { d.sum += int64(n); return d.failAdd }
func (d *doubler) Finish() error          { return d.failFinish }
func (d *doubler) Close() error           { *d.closed++; return nil }
func (d *doubler) Show(w io.Writer) error { _, err := fmt.Fprintln(w, d.sum); return err }
func (d *doubler) Result() any            { return d.sum }
func (d *doubler) Params() any            { return map[string]int64{"limit": d.limit} }
func (d *doubler) Units() int64           { return d.limit }
func (d *doubler) Notes() []string        { return []string{"doubled"} }

// doubleCommand returns the command of a doubler, and counts in closed how many were closed.
func doubleCommand(closed *int, change func(*doubler)) Command {
	return Command{
		Name: "double", Summary: "Double numbers.", Args: "[WORD]", Example: "--limit 3",
		New: func(flags *Flags) Work {
			d := &doubler{limit: 10, closed: closed}
			if change != nil {
				change(d)
			}
			flags.Count(&d.limit, "limit", "l", 0, 1000, "how many numbers")
			return Fold(double, d)
		},
	}
}

// withCommands registers only these commands during a test.
func withCommands(t *testing.T, commands ...Command) {
	t.Helper()
	before := registered.commands
	registered.commands = nil
	t.Cleanup(func() { registered.commands = before })
	for _, c := range commands {
		Register(c)
	}
}

func runLine(t *testing.T, tools []Tool, line string) (string, error) {
	t.Helper()
	if tools == nil {
		tools = []Tool{{Name: "tool", Summary: "Nothing."}} // a program that is not one job alone
	}
	var out strings.Builder
	err := dispatch(t.Context(), strings.Fields(line), &out, tools)
	return out.String(), err
}

func TestDispatch(t *testing.T) {
	closed := 0
	withCommands(t, doubleCommand(&closed, nil))
	echo := Tool{Name: "echo", Summary: "Echo.", Run: func(_ context.Context, words []string, out io.Writer) error {
		_, err := fmt.Fprintf(out, "%q", words)
		return err
	}}
	tests := []struct{ line, want string }{
		{"double --quiet", "90\n"},
		{"double -quiet -limit=4 -procs 1 word", "12\n"},
		{"double --quiet -l 0", "0\n"},
		{"echo a --help", `["a" "--help"]`},
		{"help echo", `["--help"]`},
		{"version", "mrrun " + Version + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + "\n"},
	}
	for _, tt := range tests {
		if got, err := runLine(t, []Tool{echo}, tt.line); got != tt.want || err != nil {
			t.Errorf("mrrun %s: got %q, %v, want %q", tt.line, got, err, tt.want)
		}
	}
	if closed != 3 {
		t.Errorf("%d jobs were closed, want 3", closed)
	}
}

func TestDispatchErrors(t *testing.T) {
	closed := 0
	withCommands(t, doubleCommand(&closed, nil))
	tools := []Tool{{Name: "echo"}}
	tests := []struct{ line, want string }{
		{"", "which job? double (see mrrun --help)"},
		{"duoble", `no job "duoble"; did you mean "double"? (mrrun --help lists all)`},
		{"ecoh", `no job "ecoh"; did you mean "echo"? (mrrun --help lists all)`},
		{"vresion", `no job "vresion"; did you mean "version"? (mrrun --help lists all)`},
		{"nothing", `no job "nothing" (mrrun --help lists all)`},
		{"--limit 3", "--limit comes before the job: mrrun JOB [flags] (see mrrun --help)"},
		{"double --limti 3", "unknown flag --limti; did you mean --limit?"},
		{"double a b", `too many words: ["a" "b"] (see mrrun double --help)`},
		{"help nothing", `no job "nothing" (mrrun --help lists all)`},
	}
	for _, tt := range tests {
		got, err := runLine(t, tools, tt.line)
		if err == nil || err.Error() != tt.want || got != "" {
			t.Errorf("mrrun %s: got %q and error %v, want %s", tt.line, got, err, tt.want)
		}
		if status := exitCode(err); status != exitUsage {
			t.Errorf("mrrun %s: got status %d, want %d", tt.line, status, exitUsage)
		}
	}
}

// exitCode returns the exit status that mapreduce.Main derives from an error.
func exitCode(err error) int {
	if own, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		return own.ExitCode()
	}
	return 1
}

func TestExitCodes(t *testing.T) {
	cause := errors.New("cause")
	wrapped := fmt.Errorf("more: %w", Usagef("bad: %w", cause))
	if exitCode(wrapped) != 2 || !errors.Is(wrapped, cause) {
		t.Errorf("%v: status %d, want 2, and the cause in it", wrapped, exitCode(wrapped))
	}
	if err := error(internalError{"oops"}); exitCode(err) != 70 || err.Error() != "oops" {
		t.Errorf("%v: status %d, want 70", err, exitCode(err))
	}
}

func TestHelp(t *testing.T) {
	closed := 0
	withCommands(t, doubleCommand(&closed, nil))
	tools := []Tool{{Name: "echo", Summary: "Echo words."}}
	for _, line := range []string{"--help", "-h", "-help", "help"} {
		got, err := runLine(t, tools, line)
		if err != nil {
			t.Fatal(err)
		}
		wantParts(t, got, "double      Double numbers.", "echo        Echo words.", "  mrrun double --limit 3\n", exitStatuses)
	}
	for _, line := range []string{"double --help", "double -h", "double --limit 3 -help"} {
		got, err := runLine(t, tools, line)
		if err != nil {
			t.Fatal(err)
		}
		wantParts(t, got, "Double numbers.\n", "mrrun double [flags] [WORD]\n", "-l, --limit N   how many numbers (default 10)\n", "--procs N ", "--keep-going  --retries N")
		if lines := strings.Count(got, "\n"); lines > 24 {
			t.Errorf("%s: the help has %d lines", line, lines)
		}
	}
	got, err := runLine(t, tools, "help double")
	if err != nil {
		t.Fatal(err)
	}
	wantParts(t, got, "mrrun double [flags] [WORD]\n", "--keep-going           when a piece fails, finish the others; ", exitStatuses)
	got, err = runLine(t, tools, "man")
	if err != nil {
		t.Fatal(err)
	}
	wantParts(t, got, ".TH MRRUN 1 ", ".SS double\nDouble numbers.\n", ".B \\-l, \\-\\-limit N\nhow many numbers (default 10)\n", ".SH EXIT STATUS\n0 ok, 1 ")
	if closed != 0 {
		t.Error("the help ran a job")
	}
}

func wantParts(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in:\n%s", part, got)
		}
	}
}

func TestJSON(t *testing.T) {
	closed := 0
	withCommands(t, doubleCommand(&closed, nil))
	text, err := runLine(t, nil, "double --quiet --json --procs 2")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Job        string
		Parameters map[string]int64
		Result     int64
		Procs      int
		Chunks     int
		Lost       int
		Retried    int
		Seconds    float64
		WorkerPIDs []int `json:"worker_pids"`
		Insights   insights
	}
	in := json.NewDecoder(strings.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&got); err != nil || in.More() {
		t.Fatalf("%q: %v", text, err)
	}
	if got.Job != "double" || got.Parameters["limit"] != 10 || got.Result != 90 || got.Procs != 2 ||
		got.Chunks < 1 || got.Seconds <= 0 || len(got.WorkerPIDs) != 2 {
		t.Errorf("got %+v", got)
	}
}

// A failingWriter accepts room bytes.
type failingWriter struct{ room int }

var errFull = errors.New("disk full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if len(p) > w.room {
		n := w.room
		w.room = 0
		return n, errFull
	}
	w.room -= len(p)
	return len(p), nil
}

type longOutput struct{ doubler }

func (longOutput) Show(w io.Writer) error {
	for range 10_000 {
		if _, err := io.WriteString(w, "line\n"); err != nil {
			return err
		}
	}
	return nil
}

// A write error is reported once, whether it comes during the output or at its end.
func TestWriteErrors(t *testing.T) {
	closed := 0
	withCommands(t, doubleCommand(&closed, nil))
	for _, room := range []int{0, 1, 20_000} {
		for name, output := range map[string]Output{"short": &doubler{}, "long": &longOutput{}} {
			if name == "short" && room == 20_000 {
				continue
			}
			for _, asJSON := range []bool{false, true} {
				if asJSON && room == 20_000 {
					continue
				}
				err := (&Run{outcome: outcome{job: output}}).write(t.Context(), &failingWriter{room}, "double", asJSON)
				if !errors.Is(err, errFull) || err.Error() != "write the result: disk full" {
					t.Errorf("%s, room for %d bytes, JSON %v: got %v", name, room, asJSON, err)
				}
			}
		}
	}
	for _, line := range []string{"--help", "double --help", "help double", "man", "plugins", "completion zsh", "version", "double --quiet"} {
		if err := dispatch(t.Context(), strings.Fields(line), &failingWriter{}, []Tool{{Name: "tool"}}); !errors.Is(err, errFull) {
			t.Errorf("mrrun %s: got %v, want a full disk", line, err)
		}
	}
}

// A program with one job and no tools is that job.
func TestOnlyJob(t *testing.T) {
	closed := 0
	withCommands(t, doubleCommand(&closed, nil))
	before := program
	program = "doubler"
	t.Cleanup(func() { program = before })
	run := func(words ...string) (string, error) {
		var out strings.Builder
		err := dispatch(t.Context(), words, &out, nil)
		return out.String(), err
	}
	for line, want := range map[string]string{
		"--limit 4 --quiet": "12\n",
		"--version":         "doubler " + Version + " ",
		"--help":            "\n  doubler --limit 3\n  doubler [flags] [WORD]\n",
		"--completion bash": "complete -F _doubler doubler\n",
		"--man":             ".SH SYNOPSIS\n.PP\n.B doubler [flags] [WORD]\n",
		"__complete --ver":  "--version\tprint the version\n",
	} {
		got, err := run(strings.Fields(line)...)
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("doubler %s: got %s, %v, want %s", line, got, err, want)
		}
	}
	for line, want := range map[string]string{
		"--limti 3":         "unknown flag --limti; did you mean --limit?",
		"--limit x":         "-l x: not a number; it takes a whole number from 0 to 1000 (see doubler --help)",
		"double double":     `too many words: ["double" "double"] (see doubler --help)`,
		"--completion":      "which shell? doubler --completion bash, zsh or fish",
		"--completion tcsh": `no completion for "tcsh": there is bash, zsh and fish`,
		"--man page":        `man takes no arguments such as "page": doubler man | man -l -`,
	} {
		if _, err := run(strings.Fields(line)...); err == nil || err.Error() != want || exitCode(err) != exitUsage {
			t.Errorf("doubler %s: got %v, want %s", line, err, want)
		}
	}
}
