package jobs

import (
	"fmt"
	"math"

	"github.com/spf13/pflag"

	"mrrun/internal/cores"
	"mrrun/mapreduce"
)

// Flags are the flags of one command, bound to variables.
type Flags struct{ set *pflag.FlagSet }

// Count adds a flag for a whole number from lowest to highest, which may be typed as 1e8,
// 100_000_000 or 100M. short is its one-letter form, or empty. The default is *p.
func (f *Flags) Count(p *int64, name, short string, lowest, highest int64, usage string) {
	f.set.VarP(countValue{bind: p, min: lowest, max: highest}, name, short, usage)
}

// Bool adds a flag without a value. The default is *p.
func (f *Flags) Bool(p *bool, name, usage string) { f.set.BoolVar(p, name, *p, usage) }

// String adds a flag for a text. kind is what the help calls its value, such as FILE.
func (f *Flags) String(p *string, name, kind, usage string) {
	f.set.VarP(textValue{p, kind}, name, "", usage)
}

// textValue is a flag that takes any text that is not empty.
type textValue struct {
	bind *string
	kind string
}

// Set implements pflag.Value.
func (t textValue) Set(s string) error {
	if s == "" { // most likely an unset shell variable
		return fmt.Errorf("empty; it takes %s", t.kind)
	}
	*t.bind = s
	return nil
}

// String implements pflag.Value.
func (t textValue) String() string { return *t.bind }

// Type implements pflag.Value.
func (t textValue) Type() string { return t.kind }

// Running are the flags that all jobs have.
type Running struct {
	Procs     int64
	Chunksize int64
	Budget    int64 // bytes of memory of a job that reduces by key; 0: any number
	JSON      bool
	Quiet     bool
}

func newRunning() Running {
	return Running{Procs: int64(min(cores.Usable(), mapreduce.MaxProcs))}
}

func (r *Running) bind(f *Flags) {
	f.Count(&r.Procs, "procs", "", 1, mapreduce.MaxProcs, "worker processes, one for each usable core by default")
	f.Count(&r.Chunksize, "chunksize", "", 0, 1e9, "pieces of the work to send at once; 0 = automatic")
	f.Count(&r.Budget, "memory-budget", "", 0, math.MaxInt64, "bytes of memory for a job that counts or groups, such as 64M; the rest goes to TMPDIR; 0 = any")
	f.Bool(&r.JSON, "json", "print one JSON object instead of text")
	f.Bool(&r.Quiet, "quiet", "print nothing but the result and errors")
}

// A Line is the command line of a job, checked but not yet run.
type Line struct {
	name    string // as in "mrrun pi"
	command Command
	words   []string
	common  func(*Flags)
}

// NewLine checks the words that follow name, the command as it is typed, such as "mrrun pi". common
// binds the flags that do not belong to the job. The error is about the command line, or
// [pflag.ErrHelp] if the words ask for help.
func NewLine(name string, c Command, words []string, common func(*Flags)) (*Line, error) {
	l := &Line{name: name, command: c, words: words, common: common}
	_, _, err := l.parse()
	return l, err
}

// parse returns new work for one run, and the words that are not flags.
func (l *Line) parse() (Work, []string, error) {
	flags, common, work := l.command.flagSets(l.common)
	flags.AddFlagSet(common)
	args, err := parseSet(l.name, l.words, flags)
	if err != nil {
		return nil, nil, err
	}
	if l.command.Args == "" && len(args) > 0 {
		return nil, nil, usagef("%s takes only flags, no arguments such as %q (see %s --help)", l.command.Name, args[0], l.name)
	}
	return work, args, nil
}

// flagSets binds the flags of the job to new work, and the common flags.
func (c Command) flagSets(bindCommon func(*Flags)) (own, common *pflag.FlagSet, work Work) {
	own, common = newFlagSet(c.Name), newFlagSet("common")
	work = c.New(&Flags{own})
	bindCommon(&Flags{common})
	return own, common, work
}

// ParseFlags parses the words of a command that is not a job, such as "mrrun bench overhead", and
// returns those that are not flags. The error is about the command line, or [pflag.ErrHelp].
func ParseFlags(command string, words []string, bind func(*Flags)) (args []string, err error) {
	set := newFlagSet(command)
	bind(&Flags{set})
	return parseSet(command, words, set)
}

func parseSet(command string, words []string, set *pflag.FlagSet) (args []string, err error) {
	switch err := set.Parse(normalizeArgs(words, set)); err {
	case nil:
		return set.Args(), nil
	case pflag.ErrHelp:
		return nil, err
	default:
		return nil, usageError{flagError(err, command, set)}
	}
}

func newFlagSet(name string) *pflag.FlagSet {
	set := pflag.NewFlagSet(name, pflag.ContinueOnError)
	set.SortFlags = false
	set.Usage = func() {} // Main prints the help
	return set
}
