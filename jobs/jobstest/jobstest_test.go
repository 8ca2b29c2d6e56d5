package jobstest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"mrrun/jobs"
	"mrrun/mapreduce"
)

func TestMain(m *testing.M) { Main(m) }

var add = mapreduce.Func(func(s jobs.Span) (sum int64) {
	for n := s.From; n < s.To; n++ {
		sum += n
	}
	return sum
})

// impure depends on who runs it.
var impure = mapreduce.Func(func(jobs.Span) int64 { return int64(os.Getpid()) })

func sumCommand(task *mapreduce.Task[jobs.Span, int64]) jobs.Command {
	return jobs.Command{Name: "sum", Summary: "Add numbers.", New: func(flags *jobs.Flags) jobs.Work {
		below := int64(10)
		flags.Count(&below, "below", "n", 0, 1e9, "add the numbers below N")
		return jobs.FoldFunc(jobs.Range(&below, 7), task, func(sum, n int64) int64 { return sum + n })
	}}
}

func TestRun(t *testing.T) {
	for words, want := range map[string]string{"": "45\n", "-n 1000": "499500\n", "-n 0": "0\n", "-n 14": "91\n"} {
		if got := Run(t, sumCommand(add), strings.Fields(words)...); got != want {
			t.Errorf("sum %s: got %q, want %q", words, got, want)
		}
	}
}

// A failing is a test that notes why it failed.
type failing struct {
	testing.TB
	text string
}

func (f *failing) Helper() {}

func (f *failing) Fatal(args ...any) { f.Fatalf("%s", fmt.Sprint(args...)) }

func (f *failing) Fatalf(format string, args ...any) {
	f.text = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestRunFails(t *testing.T) {
	for _, tt := range []struct {
		command jobs.Command
		words   []string
		want    string
	}{
		{sumCommand(impure), nil, "sum  --start exec --procs 1 --chunksize 0: got\n"},
		{sumCommand(add), []string{"-x"}, "unknown flag -x (see sum --help)"},
		{sumCommand(add), []string{"word"}, "sum takes only flags, "},
	} {
		f := &failing{TB: t}
		done := make(chan bool)
		go func() {
			defer close(done)
			Run(f, tt.command, tt.words...)
		}()
		<-done
		if !strings.HasPrefix(f.text, tt.want) {
			t.Errorf("got %q, want %q", f.text, tt.want)
		}
	}
}
