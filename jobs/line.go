package jobs

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"mrrun/internal/usage"
)

// A Line is the command line of a job, checked but not yet run.
type Line struct {
	name    string // as in "mrrun pi"
	command Command
	words   []string
	kept    []string // the words without what names files to write
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

// parse returns new work for one run, and its parameters.
func (l *Line) parse() (Work, params, error) {
	own, common, flags := newFlagSet(l.command.Name), newFlagSet("common"), newFlagSet("all")
	work := l.command.New(&Flags{own})
	l.common(&Flags{common})
	flags.AddFlagSet(own)
	flags.AddFlagSet(common) // but for names that the job has taken for itself
	if l.kept == nil {
		l.kept = withoutOutputs(l.words, flags)
	}
	args, err := parseSet(l.name, l.words, flags)
	if err != nil {
		return nil, params{}, err
	}
	if l.command.Args == "" && len(args) > 0 {
		return nil, params{}, usagef("%s takes only flags, no arguments such as %q (see %s --help)", l.command.Name, args[0], l.name)
	}
	return work, params{own, l.command.Args, args}, nil
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
		return nil, usage.Errorf("%w", flagError(err, command, set))
	}
}

func newFlagSet(name string) *pflag.FlagSet {
	set := pflag.NewFlagSet(name, pflag.ContinueOnError)
	set.SortFlags = false
	set.Usage = func() {} // Main prints the help
	return set
}

// Params returns the words after the flags, and the values of the job's flags, as JSON has them: what
// [Output.Params] is by default.
func (l *Line) Params() any {
	_, params, err := l.parse()
	if err != nil { // NewLine has refused the line
		return nil
	}
	return params
}

// withoutOutputs returns words without the flags --joblog and --out.
func withoutOutputs(words []string, flags *pflag.FlagSet) []string {
	kept := []string{}
	for i := 0; i < len(words); i++ {
		if words[i] == "--" {
			return append(kept, words[i:]...)
		}
		from, word := i, normalizeWord(words[i], flags)
		if takesNext(word, flags) && i+1 < len(words) {
			i++
		}
		name, _, _ := strings.Cut(word, "=")
		if name != "--joblog" && name != "--out" {
			kept = append(kept, words[from:i+1]...)
		}
	}
	return kept
}

// again returns the command line with more flags, which override those that were typed, for a shell.
// It leaves out the flags that name files: what is in them is worth more than what a part of the
// pieces would write there.
func (l *Line) again(flags ...string) string {
	end := len(l.kept)
	if i := slices.Index(l.kept, "--"); i >= 0 {
		end = i
	}
	words := []string{l.name}
	for _, word := range slices.Concat(l.kept[:end], flags, l.kept[end:]) {
		words = append(words, quoted(word))
	}
	return strings.Join(words, " ")
}

// quoted returns word as a shell takes it.
func quoted(word string) string {
	const plain = "%+,-./:=@_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
