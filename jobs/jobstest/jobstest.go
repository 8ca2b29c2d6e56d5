// Package jobstest tests jobs. The program of the tests is its own workers, so TestMain has to call
// [Main]:
//
//	func TestMain(m *testing.M) { jobstest.Main(m) }
package jobstest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"mrrun/jobs"
	"mrrun/mapreduce"
)

// Main is the body of TestMain: it runs the tests, or tasks if this process is a worker. It does not
// return.
func Main(m *testing.M) {
	mapreduce.Init()
	os.Exit(m.Run())
}

// Run runs the job with the words that may follow its name, flags and arguments: in goroutines of
// this process, and with one, two and five workers, once with a piece in each message. It fails the
// test if a run fails or if their results differ, as text or as JSON, and returns the text.
func Run(t testing.TB, c jobs.Command, words ...string) string {
	t.Helper()
	line, err := jobs.NewLine(c.Name, c, words, func(*jobs.Flags) {})
	if err != nil {
		t.Fatal(err)
	}
	var want string
	for i, how := range []struct {
		start            string
		procs, chunksize int64
	}{
		{"inprocess", 1, 0}, {"exec", 1, 0}, {"exec", 2, 1}, {"exec", 5, 0},
	} {
		running := jobs.DefaultRunning()
		running.Start, running.Procs, running.Chunksize = how.start, how.procs, how.chunksize
		name := fmt.Sprintf("%s %s --start %s --procs %d --chunksize %d", c.Name, strings.Join(words, " "), how.start, how.procs, how.chunksize)
		got, err := output(t.Context(), line, running)
		switch {
		case err != nil:
			t.Fatalf("%s: %v", name, err)
		case i == 0:
			want = got
		case got != want:
			t.Fatalf("%s: got\n%s\nwithout workers\n%s", name, got, want)
		}
	}
	text, _, _ := strings.Cut(want, separator)
	return text
}

// separator is between a result as text and as JSON.
const separator = "\x00"

func output(ctx context.Context, line *jobs.Line, running jobs.Running) (string, error) {
	run, err := line.Run(ctx, running)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	if err := run.Show(&out); err != nil {
		return "", err
	}
	out.WriteString(separator)
	for _, v := range []any{run.Params(), run.Result()} {
		if err := jobs.WriteJSON(&out, v); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}
