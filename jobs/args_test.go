package jobs

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

type testOptions struct {
	terms, procs int64
	out          string
	verbose      bool
	grace        time.Duration
	width        int
}

// testFlags defines flags of each kind that the jobs use.
func testFlags() (*pflag.FlagSet, *testOptions) {
	o := &testOptions{terms: 1000, procs: 2}
	flags := pflag.NewFlagSet("mrrun test", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.VarP(countValue{&o.terms, 0, 1e12}, "terms", "n", "terms to add")
	flags.Var(countValue{&o.procs, 1, 1024}, "procs", "worker processes")
	flags.StringVarP(&o.out, "out", "o", "", "file to write")
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "say more")
	flags.DurationVar(&o.grace, "grace", time.Second, "time to end in")
	flags.IntVar(&o.width, "width", 80, "columns")
	return flags, o
}

func TestNormalizeArgs(t *testing.T) {
	tests := []struct{ args, want string }{
		{"", ""},
		{"-procs 4", "--procs 4"},
		{"-procs=4", "--procs=4"},
		{"--procs 4", "--procs 4"},
		{"--procs=4", "--procs=4"},
		{"-procs=", "--procs="},
		{"-n 1e8", "-n 1e8"},
		{"-n=1e8", "-n=1e8"},
		{"-n1e8", "-n1e8"},
		{"--n 1e8", "-n 1e8"},
		{"--n=1e8", "-n=1e8"},
		{"-n=", "--terms="},
		{"--n=", "--terms="},
		{"-n -1", "-n -1"},
		{"--n -1 -procs 4", "-n -1 --procs 4"},
		{"-1 -10 -procs 4", "-1 -10 --procs 4"},
		{"- -verbose -", "- --verbose -"},
		{"--out -procs -procs 4", "--out -procs --procs 4"},
		{"-out -procs", "--out -procs"},
		{"-o -procs", "-o -procs"},
		{"-vo -procs", "-vo -procs"},
		{"-ofile -procs 4", "-ofile --procs 4"},
		{"-o=-procs -procs 4", "-o=-procs --procs 4"},
		{"-verbose -procs 4", "--verbose --procs 4"},
		{"-v -procs 4", "-v --procs 4"},
		{"--v -procs 4", "-v --procs 4"},
		{"-vv=true -procs 4", "-vv=true --procs 4"},
		{"--out", "--out"},
		{"-procs 4 -- -procs 4 --n", "--procs 4 -- -procs 4 --n"},
		{"--out -- -procs 4", "--out -- --procs 4"},
		{"book.txt -procs 4", "book.txt --procs 4"},
		{"-nosuch -procs 4", "-nosuch --procs 4"},
		{"--x -x --=1 -=1 ---procs", "--x -x --=1 -=1 ---procs"},
		{"-help", "--help"},
		{"--h", "-h"},
	}
	flags, _ := testFlags()
	for _, tt := range tests {
		if got := normalizeArgs(strings.Fields(tt.args), flags); !slices.Equal(got, strings.Fields(tt.want)) {
			t.Errorf("normalizeArgs(%q) = %q, want %q", tt.args, got, tt.want)
		}
	}
}

// TestNormalizedArgsParse checks that pflag reads what normalizeArgs writes.
func TestNormalizedArgsParse(t *testing.T) {
	want := testOptions{terms: 100_000_000, procs: 4, out: "-x", verbose: true, grace: time.Second, width: 80}
	for _, line := range []string{
		"-procs 4 -n 1e8 -out -x -verbose a b",
		"a --procs=4 b --n=1e8 --o -x --v",
		"-v a -procs=4 -n100M --out=-x -- b",
		"-vn 100_000_000 -o=-x a b --procs 4",
	} {
		flags, got := testFlags()
		if err := flags.Parse(normalizeArgs(strings.Fields(line), flags)); err != nil {
			t.Errorf("%s: %v", line, err)
		} else if *got != want || !slices.Equal(flags.Args(), []string{"a", "b"}) {
			t.Errorf("%s: got %+v and words %q, want %+v", line, *got, flags.Args(), want)
		}
	}
}

func FuzzNormalizeArgs(f *testing.F) {
	for _, seed := range []string{"-procs 4", "--n=1e8 -- -procs", "-n -1 -vo - --h", "--out -- -n=", "---x -=", "--é -é=1"} {
		f.Add(strings.ReplaceAll(seed, " ", "\n"))
	}
	f.Fuzz(func(t *testing.T, lines string) {
		args := strings.Split(lines, "\n")
		flags, _ := testFlags()
		once := normalizeArgs(args, flags)
		if len(once) != len(args) {
			t.Fatalf("%q became %q", args, once)
		}
		if twice := normalizeArgs(once, flags); !slices.Equal(once, twice) {
			t.Errorf("%q became %q, and then %q", args, once, twice)
		}
		checkRestKept(t, args, once)
		// Whatever was typed, parsing succeeds or fails with a message of this package.
		if err := flags.Parse(once); err != nil && flagError(err, "mrrun test", flags).Error() == "" {
			t.Errorf("%q: no message", args)
		}
	})
}

// checkRestKept finds the "--" that ends the flags, skipping those that are a
// flag's value, and compares what follows. Only the words before it may differ.
func checkRestKept(t *testing.T, args, got []string) {
	flags, _ := testFlags()
	end := len(got)
	for i := 0; i < len(got); i++ {
		if got[i] == "--" {
			end = i
			break
		}
		if takesNext(got[i], flags) {
			i++
		}
	}
	if !slices.Equal(args[end:], got[end:]) {
		t.Errorf("after --, %q became %q", args[end:], got[end:])
	}
}

func TestFlagError(t *testing.T) {
	const see = " (see mrrun test --help)"
	const terms = "; it takes a whole number from 0 to 1e12, such as 1000, 1e8, 100_000_000 or 100M" + see
	const procs = "; it takes a whole number from 1 to 1024" + see
	tests := []struct{ args, want string }{
		{"-n 1.5", "-n 1.5: not a whole number" + terms},
		{"--terms 1.5", "-n 1.5: not a whole number" + terms},
		{"-n -1", "-n -1: negative" + terms},
		{"-n=", `-n "": empty` + terms},
		{"-n 1e13", "-n 1e13: too large" + terms},
		{"-n a\x00b", `-n "a\x00b": not a number` + terms},
		{"-procs 0", "--procs 0: too small" + procs},
		{"-procs 1e30", "--procs 1e30: too large" + procs},
		{"-procs", "--procs needs a value: a whole number from 1 to 1024" + see},
		{"-o", "-o needs a value" + see},
		{"--proc 4", "unknown flag --proc; did you mean --procs?"},
		{"-prosc=4", "unknown flag -prosc; did you mean --procs?"},
		{"-vprocs", "unknown flag -procs; did you mean --procs?"},
		{"--hepl", "unknown flag --hepl; did you mean --help?"},
		{"--nosuch=1", "unknown flag --nosuch" + see},
		{"-x", "unknown flag -x" + see},
		{"--x", "unknown flag --x" + see},
		{"-5", "unknown flag -5" + see},
		{"-é", "unknown flag -é" + see},
		{"---procs", "---procs is not a flag" + see},
		{"-verbose=maybe", "-v=maybe: neither true nor false" + see},
		{"-grace 5", "--grace 5: not a duration; it takes one such as 30s, 5m or 1h30m" + see},
		{"-width x", "--width x: invalid syntax" + see},
		{"--help", pflag.ErrHelp.Error()},
	}
	for _, tt := range tests {
		flags, _ := testFlags()
		err := flags.Parse(normalizeArgs(strings.Split(tt.args, " "), flags))
		if err == nil {
			t.Errorf("%s: no error", tt.args)
		} else if got := flagError(err, "mrrun test", flags).Error(); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.args, got, tt.want)
		}
	}
}

func TestFlagErrorKeepsOthers(t *testing.T) {
	flags, _ := testFlags()
	other := errors.New("other")
	for _, err := range []error{nil, pflag.ErrHelp, other} {
		if got := flagError(err, "mrrun test", flags); got != err {
			t.Errorf("flagError(%v) = %v", err, got)
		}
	}
}
