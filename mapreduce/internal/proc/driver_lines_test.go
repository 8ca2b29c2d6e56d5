package proc

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestCopyLines(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	tests := []struct {
		name string
		in   []string // as written, one after the other
		want []string
	}{
		{"nothing", nil, nil},
		{"line", []string{"a\n"}, []string{"a\n"}},
		{"lines at once", []string{"a\n\nb\n"}, []string{"a\n", "\n", "b\n"}},
		{"line in pieces", []string{"a", "b", "c\nd", "\n"}, []string{"abc\n", "d\n"}},
		{"no newline at the end", []string{"a\nb"}, []string{"a\n", "b\n"}},
		{"longest line", []string{long[1:] + "\n"}, []string{long[1:] + "\n"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				defer w.Close()
				for _, s := range test.in {
					_, _ = io.WriteString(w, s)
				}
			}()
			s := stream{r: &PipeReader{file: r}, origin: origin{note: noNote()}, passed: make(chan struct{})}
			var got []string
			s.copyLines(func(_ int, line []byte) { got = append(got, string(line)) })
			if !slices.Equal(got, test.want) {
				t.Errorf("got %.99q, want %.99q", got, test.want)
			}
		})
	}
}

// noNote is the note of a worker that runs no item.
func noNote() *Note { return &Note{} }

// A line that never ends is passed on in parts.
func TestCopyEndlessLine(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Repeat("x", 3*maxLine+5)
	go func() {
		defer w.Close()
		_, _ = io.WriteString(w, want)
	}()
	s := stream{r: &PipeReader{file: r}, origin: origin{note: noNote()}, passed: make(chan struct{})}
	got := ""
	s.copyLines(func(_ int, line []byte) {
		if len(line) > 2*maxLine {
			t.Errorf("a part of %d bytes", len(line))
		}
		got += strings.TrimSuffix(string(line), "\n")
	})
	if got != want {
		t.Errorf("got %d bytes, want %d", len(got), len(want))
	}
}

// lines returns n numbered lines of 10 bytes.
func lines(prefix string, n int) []string {
	var all []string
	for i := range n {
		number := string(rune('a' + i%26))
		all = append(all, prefix+strings.Repeat(number, 9-len(prefix))+"\n")
	}
	return all
}

func TestLastWords(t *testing.T) {
	many := lines("", 1000)
	crash := slices.Concat([]string{"fatal error: stack overflow\n"}, lines("at ", 1000))
	tests := []struct {
		name    string
		in      []string
		crashed bool
		begins  string
		ends    string
		size    int // at most
	}{
		{"none", nil, false, "", "", 0},
		{"few", []string{"a\n", "b\n"}, false, "a\n", "b", 3},
		{"many", many, false, "", strings.TrimSuffix(many[999], "\n"), tailSize},
		{"many begin with a whole line", many[:411], false, many[2], "", tailSize},
		{"one long line", []string{strings.Repeat("x", 3*tailSize) + "\n"}, false, "x", "x", tailSize},
		{"short crash", []string{"hello\n", "panic: oh\n", "goroutine 1\n"}, true, "hello\n", "goroutine 1", 40},
		{"long crash", slices.Concat(many, crash), true, "fatal error: stack overflow\nat a", strings.TrimSuffix(crash[1000], "\n"), crashSize},
		{"the last crash", slices.Concat(lines("panic: ", 5), many, crash), true, "fatal error: stack overflow\nat a", strings.TrimSuffix(crash[1000], "\n"), crashSize},
		{"looks like a crash", slices.Concat(crash, []string{"bye\n"}), false, "at ", "bye", tailSize},
		{"words of C before the crash", slices.Concat([]string{"runtime/cgo: pthread_create failed\n", "SIGABRT: abort\n"}, many), true, "runtime/cgo: ", "", crashSize},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := &output{}
			for _, line := range test.in {
				o.stderr.keep([]byte(line))
			}
			exit := Exit{}
			if test.crashed {
				exit.Code = exitCrash
			}
			got := o.words(exit)
			if len(got) > test.size || !strings.HasPrefix(got, test.begins) || !strings.HasSuffix(got, test.ends) {
				t.Errorf("%d bytes: %.60q … %q", len(got), got, got[max(0, len(got)-60):])
			}
		})
	}
}

// A report of no thread is passed on, though late, if it comes from a program that a task has
// started, and not if the worker ends because of it.
func TestNoThreadIsHeldBack(t *testing.T) {
	const words = "runtime: failed to create new OS thread (have 2 already; errno=11)\nfatal error: newosproc\n\nruntime stack:\n"
	for _, test := range []struct {
		script string
		passed string
	}{
		{"printf '" + words + "' >&2; echo later >&2", "first\n" + words + "later\n"},
		{"printf '" + words + "' >&2; exit 2", "first\n"},
		{"printf '" + words + "' >&2; kill -KILL $$", "first\n"},
	} {
		var passed strings.Builder
		p, err := Start(Spec{Path: "/bin/sh", Args: []string{"-c", "echo first >&2; " + test.script}, Output: func(stderr bool, _ int, line []byte) {
			if stderr {
				passed.Write(line)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, p.Answers)
		exit := p.Exit()
		p.Close()
		if passed.String() != test.passed || exit.NoThread() != strings.HasSuffix(test.script, "exit 2") {
			t.Errorf("%s: %v, passed on %q, want %q", test.script, exit, &passed, test.passed)
		}
	}
}

// pass waits for what is in the pipe, which stays open, and for the rest of a line.
func TestPass(t *testing.T) {
	var got strings.Builder
	o, err := newOutput(Spec{Output: func(_ bool, _ int, line []byte) { got.Write(line) }}, noNote())
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join(lines("", 1000), "") + "the end"
	if _, err := io.WriteString(o.stdout.w, want); err != nil {
		t.Fatal(err)
	}
	o.pass()
	if got.String() != want+"\n" {
		t.Errorf("got %d bytes, want %d", got.Len(), len(want)+1)
	}
	_, _ = io.WriteString(o.stdout.w, "late\n")
	o.started() // the writing ends are closed
	o.finish()
	if got.String() != want+"\nlate\n" {
		t.Errorf("got %d bytes, want %d", got.Len(), len(want)+6)
	}
}
