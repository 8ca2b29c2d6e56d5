package jobs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestRegister(t *testing.T) {
	closed := 0
	withCommands(t, doubleCommand(&closed, nil))
	other := doubleCommand(&closed, nil)
	other.Name = "another"
	Register(other)
	if got := names(); !slices.Equal(got, []string{"another", "double"}) {
		t.Errorf("names are %q", got)
	}
	c, err := Lookup("double")
	if c.Name != "double" || c.Summary != "Double numbers." || err != nil {
		t.Errorf("Lookup gives %q, %v", c.Name, err)
	}
}

func TestRegisterPanics(t *testing.T) {
	closed := 0
	good := doubleCommand(&closed, nil)
	withCommands(t, good)
	for want, spoil := range map[string]func(*Command){
		`jobs: command "double" is registered twice`:              func(*Command) {},
		`jobs: command "" needs a name, a summary and New`:        func(c *Command) { c.Name = "" },
		`jobs: command "a" needs a name, a summary and New`:       func(c *Command) { c.Name, c.Summary = "a", "" },
		`jobs: command "without" needs a name, a summary and New`: func(c *Command) { c.Name, c.New = "without", nil },
	} {
		bad := good
		spoil(&bad)
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != want {
					t.Errorf("got panic %s, want %s", got, want)
				}
			}()
			Register(bad)
		}()
	}
	if got := names(); !slices.Equal(got, []string{"double"}) {
		t.Errorf("afterwards there are %q", got)
	}
}

func TestLookupErrors(t *testing.T) {
	closed := 0
	withCommands(t, doubleCommand(&closed, nil))
	tests := []struct {
		name   string
		others []string
		want   string
	}{
		{"duoble", nil, `no job "duoble"; did you mean "double"? (mrrun --help lists all)`},
		{"overhed", nil, `no job "overhed" (mrrun --help lists all)`},
		{"overhed", []string{"overhead"}, `no job "overhed"; did you mean "overhead"? (mrrun --help lists all)`},
		{"overhead", []string{"overhead"}, `no job "overhead"; did you mean "overhead"? (mrrun --help lists all)`},
		{"", nil, `no job "" (mrrun --help lists all)`},
	}
	for _, tt := range tests {
		_, err := Lookup(tt.name, tt.others...)
		if err == nil || err.Error() != tt.want || exitCode(err) != exitUsage {
			t.Errorf("Lookup(%q, %q): got %v, want %s", tt.name, tt.others, err, tt.want)
		}
	}
}

func TestNewLine(t *testing.T) {
	closed := 0
	c := doubleCommand(&closed, nil)
	bind := func(f *Flags) { r := DefaultRunning(); r.bind(f) }
	if _, err := NewLine("mrrun double", c, []string{"--help"}, bind); !errors.Is(err, pflag.ErrHelp) {
		t.Errorf("--help: got %v", err)
	}
	c.Args = ""
	tests := []struct{ line, want string }{
		{"word", `double takes only flags, no arguments such as "word" (see mrrun bench double --help)`},
		{"-- --limit", `double takes only flags, no arguments such as "--limit" (see mrrun bench double --help)`},
		{"-l 1001", "-l 1001: too large; it takes a whole number from 0 to 1000 (see mrrun bench double --help)"},
		{"--nothing", "unknown flag --nothing (see mrrun bench double --help)"},
	}
	for _, tt := range tests {
		_, err := NewLine("mrrun bench double", c, strings.Fields(tt.line), bind)
		if err == nil || err.Error() != tt.want || exitCode(err) != exitUsage {
			t.Errorf("%s: got %v, want %s", tt.line, err, tt.want)
		}
	}
}

func TestParseFlags(t *testing.T) {
	var text string
	var on bool
	bind := func(f *Flags) {
		f.String(&text, "out", "FILE", "where to")
		f.Bool(&on, "on", "whether")
	}
	args, err := ParseFlags("mrrun tool", strings.Fields("-out=x a -on b"), bind)
	if !slices.Equal(args, []string{"a", "b"}) || text != "x" || !on || err != nil {
		t.Errorf("got %q, %q, %v, %v", args, text, on, err)
	}
	for line, want := range map[string]string{
		"--out=":    `--out "": empty; it takes FILE (see mrrun tool --help)`,
		"--out":     "--out needs a value (see mrrun tool --help)",
		"--on=x":    "--on=x: neither true nor false (see mrrun tool --help)",
		"--outt=a":  "unknown flag --outt; did you mean --out?",
		"-x --help": "unknown flag -x (see mrrun tool --help)",
	} {
		if _, err := ParseFlags("mrrun tool", strings.Fields(line), bind); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
	}
}
