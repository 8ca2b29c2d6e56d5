package jobs

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/pflag"
)

// Output is the result of a run, for people and for programs. A job need not have all methods; the
// comments say what the others do by default.
type Output interface {
	// Show writes the result as text; by default, as fmt.Println does. The same input gives the same
	// bytes.
	Show(w io.Writer) error
	// Result returns the result for JSON; see [WriteJSON], and [Text] for text that may not be
	// UTF-8.
	Result() any
	// Params returns the parameters for JSON; by default, the values that the flags of the job have
	// set, by the names of these, and the words after them.
	Params() any
	// Units returns the amount of work, for rates: terms, values, bytes; by default, the number of
	// pieces.
	Units() int64
}

// A Noter has remarks about a run that are not part of its result, such as times. They are written
// to standard error.
type Noter interface {
	Notes() []string
}

// outcome is the Output of a run, with the defaults.
type outcome struct {
	job    any
	pieces int
	params params
}

func (o outcome) Result() any {
	if r, ok := as[interface{ Result() any }](o.job); ok {
		return r.Result()
	}
	return nil
}

func (o outcome) Show(w io.Writer) error {
	if s, ok := as[interface{ Show(io.Writer) error }](o.job); ok {
		return s.Show(w)
	}
	_, err := fmt.Fprintln(w, o.Result())
	return err
}

func (o outcome) Params() any {
	if p, ok := as[interface{ Params() any }](o.job); ok {
		return p.Params()
	}
	return o.params
}

func (o outcome) Units() int64 {
	if u, ok := as[interface{ Units() int64 }](o.job); ok {
		return u.Units()
	}
	return int64(o.pieces)
}

func (o outcome) Notes() []string {
	if n, ok := as[Noter](o.job); ok {
		return n.Notes()
	}
	return nil
}

// params are the parameters of a job as its command line has them.
type params struct {
	flags *pflag.FlagSet
	kind  string // of the words after the flags
	words []string
}

// MarshalJSON writes an object with the words and the values of the flags, in their order.
func (p params) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	add := func(name string, value any) error {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		for i, v := range []any{name, value} {
			var one strings.Builder
			if err := WriteJSON(&one, v); err != nil {
				return err
			}
			b.WriteString(strings.TrimSuffix(one.String(), "\n"))
			if i == 0 {
				b.WriteByte(':')
			}
		}
		return nil
	}
	var err error
	if p.kind != "" {
		err = add(wordsName(p.kind), Texts(p.words))
	}
	p.flags.VisitAll(func(f *pflag.Flag) {
		if err == nil {
			err = add(strings.ReplaceAll(f.Name, "-", "_"), flagJSON(f.Value))
		}
	})
	return []byte("{" + b.String() + "}"), err
}

// wordsName returns the name of the words that a command calls kind: that of "FILE.csv..." is files.
func wordsName(kind string) string {
	name := strings.TrimLeftFunc(kind, func(r rune) bool { return !unicode.IsLetter(r) })
	if end := strings.IndexFunc(name, func(r rune) bool { return !unicode.IsLetter(r) }); end >= 0 {
		name = name[:end]
	}
	if name == "" {
		return "args"
	}
	return strings.ToLower(name) + "s"
}

// flagJSON returns the value of a flag as JSON has it: times are in seconds.
func flagJSON(v pflag.Value) any {
	switch v := v.(type) {
	case countValue:
		return *v.bind
	case bytesValue:
		return *v.bind
	case floatValue:
		return *v.bind
	case durationValue:
		return v.bind.Seconds()
	case *listValue:
		return Texts(*v.bind)
	}
	if v.Type() == "bool" {
		return v.String() == "true"
	}
	return Text(v.String())
}
