package jobs

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Flags are the flags of one command, bound to variables whose values are their defaults.
type Flags struct{ set *pflag.FlagSet }

// Count adds a flag for a whole number from lowest to highest, which may be typed as 1e8,
// 100_000_000 or 100M. short is its one-letter form, or empty.
func (f *Flags) Count(p *int64, name, short string, lowest, highest int64, usage string) {
	f.set.VarP(countValue{bind: p, min: lowest, max: highest}, name, short, usage)
}

// Float adds a flag for a number from lowest to highest.
func (f *Flags) Float(p *float64, name string, lowest, highest float64, usage string) {
	f.set.Var(floatValue{p, lowest, highest}, name, usage)
}

// Bytes adds a flag for a number of bytes, which may be typed as 64M, 64MB, 64Mi or 64MiB. It takes
// those from lowest to highest, and its default.
func (f *Flags) Bytes(p *int64, name string, lowest, highest int64, usage string) {
	f.set.Var(bytesValue{p, *p, lowest, highest}, name, usage)
}

// Duration adds a flag for a time that is not negative, such as 30s, 5m or 1h30m.
func (f *Flags) Duration(p *time.Duration, name, usage string) {
	f.set.Var(durationValue{p}, name, usage)
}

// Bool adds a flag without a value.
func (f *Flags) Bool(p *bool, name, usage string) { f.set.BoolVar(p, name, *p, usage) }

// String adds a flag for a text that is not empty. kind is what the help calls its value, such as
// FILE.
func (f *Flags) String(p *string, name, kind, usage string) {
	f.set.Var(textValue{p, kind}, name, usage)
}

// List adds a flag for texts that are not empty. It may be used several times, for a text each, which
// replace those in *p.
func (f *Flags) List(p *[]string, name, kind, usage string) {
	f.set.Var(&listValue{bind: p, kind: kind}, name, usage)
}

// Choice adds a flag for one of choices, which the error about another text lists. kind is what the
// help calls its value, such as ORDER.
func (f *Flags) Choice(p *string, name, kind string, choices []string, usage string) {
	f.set.Var(choiceValue{textValue{p, kind}, choices}, name, usage)
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

// Type implements pflag.Value; the help calls the value so.
func (t textValue) Type() string { return t.kind }

// listValue is a flag that may be given several times.
type listValue struct {
	bind *[]string
	kind string
	set  bool // what was there before is gone
}

// Set implements pflag.Value.
func (l *listValue) Set(s string) error {
	var one string
	if err := (textValue{&one, l.kind}).Set(s); err != nil {
		return err
	}
	if !l.set {
		*l.bind, l.set = nil, true
	}
	*l.bind = append(*l.bind, one)
	return nil
}

// String implements pflag.Value.
func (l *listValue) String() string { return strings.Join(*l.bind, " ") }

// Type implements pflag.Value; the help calls the value so.
func (l *listValue) Type() string { return l.kind }

// choiceValue is a flag that takes one of several texts.
type choiceValue struct {
	textValue
	choices []string
}

// Set implements pflag.Value.
func (c choiceValue) Set(s string) error {
	if slices.Contains(c.choices, s) {
		*c.bind = s
		return nil
	}
	if meant := nearest(s, c.choices); meant != "" {
		return fmt.Errorf("did you mean %s? It takes %s", meant, c.takes())
	}
	return fmt.Errorf("it takes %s", c.takes())
}

func (c choiceValue) takes() string {
	last := len(c.choices) - 1
	if last < 1 {
		return strings.Join(c.choices, "")
	}
	return strings.Join(c.choices[:last], ", ") + " or " + c.choices[last]
}

// floatValue is a flag that takes a number from min to max.
type floatValue struct {
	bind     *float64
	min, max float64
}

// Set implements pflag.Value.
func (v floatValue) Set(s string) error {
	x, err := strconv.ParseFloat(s, 64)
	switch {
	case s == "":
		err = errEmpty
	case errors.Is(err, strconv.ErrRange) && x > 0 || err == nil && x > v.max:
		err = errTooLarge
	case errors.Is(err, strconv.ErrRange) || err == nil && x < v.min:
		err = errTooSmall
	case err != nil || math.IsNaN(x):
		err = errNotNumber
	}
	if err != nil {
		return fmt.Errorf("%w; it takes %s", err, v.takes())
	}
	*v.bind = x
	return nil
}

func (v floatValue) takes() string { return fmt.Sprintf("a number from %g to %g", v.min, v.max) }

// String implements pflag.Value.
func (v floatValue) String() string { return strconv.FormatFloat(*v.bind, 'g', -1, 64) }

// Type implements pflag.Value.
func (v floatValue) Type() string { return "X" }

// durationValue is a flag that takes a time.
type durationValue struct{ bind *time.Duration }

// Set implements pflag.Value.
func (v durationValue) Set(s string) error {
	d, err := time.ParseDuration(s)
	switch {
	case s == "":
		err = errEmpty
	case err != nil:
		err = errors.New("not a time")
	case d < 0:
		err = errNegative
	}
	if err != nil {
		return fmt.Errorf("%w; it takes %s", err, v.takes())
	}
	*v.bind = d
	return nil
}

func (durationValue) takes() string { return "a time such as 500ms, 30s, 5m or 1h30m" }

// String implements pflag.Value.
func (v durationValue) String() string {
	if *v.bind == 0 {
		return "0"
	}
	return v.bind.String()
}

// Type implements pflag.Value.
func (durationValue) Type() string { return "TIME" }
