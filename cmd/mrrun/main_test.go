package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"mrrun/mapreduce"
)

var update = flag.Bool("update", false, "write what the scripts got into them")

// TestMain makes the test binary act as mrrun: testscript puts a copy of it on PATH under that
// name. So the scripts run with the race detector and count for coverage when the test does.
func TestMain(m *testing.M) {
	// A worker of that mrrun is the test binary too, which only Init can tell: its argv[0], "mrrun
	// [worker 1]", is not a command of testscript, which would run all tests in it.
	mapreduce.Init()
	if os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0")
	}
	testscript.Main(cleanup{m}, map[string]func(){"mrrun": main})
}

// cleanup removes what was made once for all tests.
type cleanup struct{ m *testing.M }

func (c cleanup) Run() int {
	defer func() {
		if builtDir != "" {
			os.RemoveAll(builtDir)
		}
	}()
	return c.m.Run()
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GOMAXPROCS", "2") // the default of --procs, which the help shows
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"run":     runCommand,
			"fails":   failsCommand,
			"usage":   usageCommand,
			"message": messageCommand,
			"silent":  silentCommand,
			"json":    jsonCommand,
			"repeat":  repeatCommand,
			"sha256":  sha256Command,
		},
	})
}

// run ARGS: mrrun succeeds and writes nothing to standard error.
func runCommand(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	ts.Check(ts.Exec("mrrun", args...))
	if stderr := ts.ReadFile("stderr"); stderr != "" {
		ts.Fatalf("mrrun %q wrote to standard error: %s", args, stderr)
	}
}

// fails STATUS ARGS: mrrun ends with that status, nothing on standard output and one line on
// standard error.
func failsCommand(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	fails(ts, want, args[1:])
}

// usage ARGS: mrrun ends with status 2.
func usageCommand(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	fails(ts, 2, args)
}

func fails(ts *testscript.TestScript, want int, args []string) {
	err := ts.Exec("mrrun", args...)
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		ts.Fatalf("mrrun %q: got %v, want status %d", args, err, want)
	}
	if got := exit.ExitCode(); got != want {
		ts.Fatalf("mrrun %q: got status %d, want %d", args, got, want)
	}
	if stdout := ts.ReadFile("stdout"); stdout != "" {
		ts.Fatalf("mrrun %q failed, but wrote a result: %s", args, stdout)
	}
	line, rest, found := strings.Cut(ts.ReadFile("stderr"), "\n")
	if text, ok := strings.CutPrefix(line, "mrrun: "); !ok || !found || rest != "" || text == "" {
		ts.Fatalf("mrrun %q: want one line \"mrrun: ...\"", args)
	}
}

// message TEXT: the previous command wrote "mrrun: " and TEXT to standard error.
func messageCommand(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	if got, want := ts.ReadFile("stderr"), "mrrun: "+strings.Join(args, " ")+"\n"; got != want {
		ts.Fatalf("got  %swant %s", got, want)
	}
}

// silent: the previous command wrote nothing to standard error.
func silentCommand(ts *testscript.TestScript, neg bool, _ []string) {
	noNeg(ts, neg)
	if got := ts.ReadFile("stderr"); got != "" {
		ts.Fatalf("standard error: %s", got)
	}
}

// json LINES KEY...: standard output has so many lines, each an object with exactly these keys in
// this order.
func jsonCommand(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	lines, err := strconv.Atoi(args[0])
	ts.Check(err)
	stdout := ts.ReadFile("stdout")
	if got := strings.Count(stdout, "\n"); got != lines || !strings.HasSuffix(stdout, "\n") {
		ts.Fatalf("got %d whole lines, want %d: %q", got, lines, stdout)
	}
	for line := range strings.Lines(stdout) {
		keys, err := objectKeys(line)
		ts.Check(err)
		if !slices.Equal(keys, args[1:]) {
			ts.Fatalf("got keys %q, want %q", keys, args[1:])
		}
	}
}

// objectKeys returns the keys of a JSON object in order.
func objectKeys(text string) ([]string, error) {
	in := json.NewDecoder(strings.NewReader(text))
	if t, err := in.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("no JSON object: %q (%w)", text, err)
	}
	var keys []string
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key.(string))
		if err := in.Decode(new(any)); err != nil {
			return nil, err
		}
	}
	if _, err := in.Token(); err != nil {
		return nil, err
	}
	if _, err := in.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one object in %q", text)
	}
	return keys, nil
}

// repeat TEXT N FILE: FILE is N times TEXT.
func repeatCommand(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), bytes.Repeat([]byte(args[0]), n), 0o666))
}

// sha256 FILE: standard output names the hash of the digits in FILE, which end in a newline.
func sha256Command(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	digits, ok := strings.CutSuffix(ts.ReadFile(args[0]), "\n")
	if !ok || strings.Trim(digits, "0123456789") != "" {
		ts.Fatalf("%s is not one line of digits", args[0])
	}
	sum := sha256.Sum256([]byte(digits))
	if want := hex.EncodeToString(sum[:]); !strings.Contains(ts.ReadFile("stdout"), want) {
		ts.Fatalf("the hash of %s is %s", args[0], want)
	}
}

func noNeg(ts *testscript.TestScript, neg bool) {
	if neg {
		ts.Fatalf("no ! here")
	}
}
