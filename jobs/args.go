package jobs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// normalizeArgs rewrites args so that flags may be typed with one dash or with
// two, as with the standard library's flag package: -procs 4 becomes --procs 4
// and --n 1e8 becomes -n 1e8. Left alone are the values of flags, negative
// numbers, words that name no flag, and everything after "--".
//
// It takes flags and other words to be mixed freely, which is pflag's default.
func normalizeArgs(args []string, flags *pflag.FlagSet) []string {
	out := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(out, args[i:]...)
		}
		word := normalizeWord(args[i], flags)
		out = append(out, word)
		if takesNext(word, flags) && i+1 < len(args) {
			i++
			out = append(out, args[i])
		}
	}
	return out
}

// normalizeWord gives one word that is not a flag's value the number of dashes
// that pflag expects.
func normalizeWord(word string, flags *pflag.FlagSet) string {
	if !strings.HasPrefix(word, "-") {
		return word
	}
	name, double := strings.CutPrefix(word[1:], "-")
	name, value, assigned := strings.Cut(name, "=")
	short := shortFlag(name, flags)
	switch {
	case len(name) >= 2 && isLong(name, flags):
		return "--" + strings.TrimLeft(word, "-")
	case short != nil && assigned && value == "" && !isLong(name, flags):
		// pflag reads -n= as the value "=", but --terms= as an empty one.
		return "--" + short.Name + "="
	case double && !isLong(name, flags) && (short != nil || name == "h"):
		return word[1:]
	}
	return word
}

// takesNext reports whether word is a flag whose value is the word after it.
// It follows pflag's own reading of long flags and of runs of short ones.
func takesNext(word string, flags *pflag.FlagSet) bool {
	if name, ok := strings.CutPrefix(word, "--"); ok {
		flag := flags.Lookup(name) // none if name holds a "="
		return flag != nil && flag.NoOptDefVal == ""
	}
	letters, ok := strings.CutPrefix(word, "-")
	if !ok {
		return false
	}
	for i := range len(letters) {
		flag := shortFlag(letters[i:i+1], flags)
		if flag == nil {
			return false
		}
		if flag.NoOptDefVal == "" {
			return i == len(letters)-1
		}
	}
	return false
}

// isLong reports whether name is a long flag. pflag answers --help without its
// being defined.
func isLong(name string, flags *pflag.FlagSet) bool {
	return flags.Lookup(name) != nil || name == "help"
}

// shortFlag returns the flag with the shorthand name, or nil if there is none.
func shortFlag(name string, flags *pflag.FlagSet) *pflag.Flag {
	if len(name) != 1 { // ShorthandLookup panics on more
		return nil
	}
	return flags.ShorthandLookup(name)
}

// flagError words an error of flags.Parse for the person who typed the command,
// for example "mrrun pi". Other errors, pflag.ErrHelp among them, come back as
// they are.
func flagError(err error, command string, flags *pflag.FlagSet) error {
	see := fmt.Sprintf(" (see %s --help)", command)
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return fmt.Errorf("%s: %s%s", typedValue(e), valueProblem(e), see)
	}
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(e, flags, see)
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		takes := ""
		if value, ok := e.GetFlag().Value.(interface{ takes() string }); ok {
			takes = ": " + value.takes()
		}
		return fmt.Errorf("%s needs a value%s%s", dashed(e.GetFlag()), takes, see)
	}
	if e, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return fmt.Errorf("%s is not a flag%s", e.GetSpecifiedFlag(), see)
	}
	return err
}

// unknownFlag names the flag that was typed and the one that may have been
// meant.
func unknownFlag(e *pflag.NotExistError, flags *pflag.FlagSet, see string) error {
	dashes, name := "--", e.GetSpecifiedName()
	if letters := e.GetSpecifiedShortnames(); letters != "" {
		// pflag complains of one letter of -prosc=4; all of it was meant
		// as one name.
		dashes = "-"
		name, _, _ = strings.Cut(letters, "=")
	}
	if utf8.RuneCountInString(name) >= 2 {
		if meant := nearest(name, longNames(flags)); meant != "" {
			return fmt.Errorf("unknown flag %s%s; did you mean --%s?", dashes, name, meant)
		}
	}
	return fmt.Errorf("unknown flag %s%s%s", dashes, name, see)
}

// longNames lists the flags that may be suggested.
func longNames(flags *pflag.FlagSet) []string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Deprecated == "" {
			names = append(names, f.Name)
		}
	})
	return append(names, "help")
}

// typedValue shows a flag and its value about as they were typed.
func typedValue(e *pflag.InvalidValueError) string {
	value := e.GetValue()
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r == ' ' || !strconv.IsPrint(r) }) {
		value = strconv.Quote(value)
	}
	if e.GetFlag().NoOptDefVal != "" {
		return dashed(e.GetFlag()) + "=" + value
	}
	return dashed(e.GetFlag()) + " " + value
}

// valueProblem says what is wrong with a value. For pflag's own types it
// replaces messages that are about parsing rather than about the value.
func valueProblem(e *pflag.InvalidValueError) string {
	switch e.GetFlag().Value.Type() {
	case "bool":
		return "neither true nor false"
	case "duration":
		return "not a duration; it takes one such as 30s, 5m or 1h30m"
	}
	cause := errors.Unwrap(e)
	if number, ok := errors.AsType[*strconv.NumError](cause); ok {
		cause = number.Err
	}
	return cause.Error()
}

// dashed names a flag the way people type it: by its letter if it has one.
func dashed(f *pflag.Flag) string {
	if f.Shorthand != "" && f.ShorthandDeprecated == "" {
		return "-" + f.Shorthand
	}
	return "--" + f.Name
}
