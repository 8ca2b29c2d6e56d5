//go:build linux

package mapreduce

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// loop returns a program that runs body for each line, which is in $l.
func loop(body string) *Task[string, string] {
	return Command("sh", "-c", "while read -r l; do "+body+"; done")
}

var (
	// These answer each line with "x" and the line.
	goodPrograms = map[string]*Task[string, string]{
		"at once":      loop(`echo "x$l"`),
		"unbuffered":   Command("sed", "-u", "s/^/x/"),
		"in halves":    loop(`printf x; sleep 0.01; echo "$l"`),
		"slow to come": Command("sh", "-c", `sleep 0.1; exec sed -u s/^/x/`),
	}

	// These do likewise, but sometimes print more or less.
	badPrograms = map[string]*Task[string, string]{
		"a second line":        Command("sed", "-u", "s/^/x/;p"),
		"a late second line":   loop(`echo "x$l"; sleep 0.01; echo more`),
		"sometimes a second":   loop(`echo "x$l"; [ "$l" = b ] && sleep 0.01 && echo more`),
		"a line less":          loop(`[ "$l" = b ] || echo "x$l"`),
		"the line comes later": loop(`if [ "$l" = b ]; then late=x$l; else [ -z "$late" ] || echo "$late"; late=; echo "x$l"; fi`),
		"a greeting":           Command("sh", "-c", `echo Welcome; exec sed -u s/^/x/`),
		"a late greeting":      Command("sh", "-c", `sleep 0.05; echo Welcome; exec sed -u s/^/x/`),
		"a prompt":             Command("sh", "-c", `while printf "> "; read -r l; do echo "x$l"; done`),
		"half a line more":     loop(`echo "x$l"; sleep 0.01; printf half`),
		"half a line at last":  loop(`[ "$l" = b ] && printf x && exit; echo "x$l"`),
		"an end before":        Command("sh", "-c", `read -r l; echo "x$l"`),
		"an end amid":          loop(`[ "$l" = b ] && exit 3; echo "x$l"`),
		"a closed output":      loop(`[ "$l" = b ] && exec >&- ; echo "x$l"`),
		"talks for ever":       Command("yes"),
		"does not read":        Command("echo", "xa"),
	}
)

var commandLines = []string{"a", "b", "c", "", "b", "", "a", "d"}

// An item gets its own answer or an error, never another item's line.
func TestCommandOwnAnswer(t *testing.T) {
	t.Parallel()
	for name, program := range badPrograms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, Procs(1), silent())
			got, err := program.Map(t.Context(), p, commandLines, Timeout(time.Second/2))
			failed := make(map[int]bool)
			all, _ := errors.AsType[TaskErrors](err)
			for _, e := range all {
				failed[e.Index] = true
			}
			if len(failed) == 0 {
				t.Errorf("no error: %q, %v", got, err)
			}
			for i, line := range commandLines {
				if !failed[i] && got[i] != "x"+line {
					t.Errorf("item %d, %q, has the answer %q and no error", i, line, got[i])
				}
			}
			if lost := p.Stats().Lost; lost > 0 {
				t.Errorf("%d workers were lost", lost)
			}
		})
	}
}

func TestCommandGoodPrograms(t *testing.T) {
	t.Parallel()
	var lines []string
	for i := range 100 {
		lines = append(lines, fmt.Sprint(i))
	}
	for name, program := range goodPrograms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, Procs(1), silent())
			got, err := program.Map(t.Context(), p, append(lines, commandLines...))
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range append(lines, commandLines...) {
				if got[i] != "x"+line {
					t.Errorf("item %d, %q, has the answer %q", i, line, got[i])
				}
			}
		})
	}
}

// A program that follows the rules is started once.
func TestCommandStartsOnce(t *testing.T) {
	p := newPool(t, Procs(1))
	got, err := pidOrHang.Map(t.Context(), p, strings.Split(strings.Repeat("pid ", 100)+"pid", " "))
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range got {
		if pid != got[0] {
			t.Fatalf("processes %s and %s", got[0], pid)
		}
	}
}

// An item's error quotes what its program printed unasked.
func TestCommandUnaskedError(t *testing.T) {
	p := newPool(t, Procs(1))
	_, err := badPrograms["a greeting"].Apply(t.Context(), p, "a")
	if err == nil || !strings.Contains(err.Error(), `printed unexpected output`) || !strings.Contains(err.Error(), `"Welcome\n"`) {
		t.Error(err)
	}
}
