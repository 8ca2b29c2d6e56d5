//go:build linux

package examples

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestExamples builds all examples, runs each, and compares what it prints with the comment at its
// end.
func TestExamples(t *testing.T) {
	sources, err := filepath.Glob("*/main.go")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin+"/", "./...").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, source := range sources {
		name := filepath.Dir(source)
		t.Run(name, func(t *testing.T) {
			want := expected(t, source)
			if stderr := mustPrint(t, want, filepath.Join(bin, name)); stderr != "" {
				t.Errorf("on standard error: %s", stderr)
			}
		})
	}
}

// mustPrint runs a program, which must succeed and print what is wanted, and returns its standard
// error.
func mustPrint(t *testing.T, want *regexp.Regexp, program string, env ...string) (stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // they take a tenth of a second
	defer cancel()
	var errs strings.Builder
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs.String())
	}
	if !want.Match(out) {
		t.Errorf("it prints\n%swhich is not what its last comment says, as a regular expression\n%s", out, want)
	}
	return errs.String()
}

// TestReadmeListsExamples compares the table in README with the examples.
func TestReadmeListsExamples(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, row := range regexp.MustCompile(`(?m)^\| \[(\w+)\]\(examples/(.+)\) \|`).FindAllStringSubmatch(string(readme), -1) {
		if row[2] != row[1]+"/main.go" {
			t.Errorf("%s leads to %s", row[1], row[2])
		}
		listed = append(listed, row[2])
	}
	here, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(listed)
	if !slices.Equal(listed, here) { // Glob sorts
		t.Errorf("README lists %v, here are %v", listed, here)
	}
}

// expected returns the output that the last comment of an example gives: see the package comment.
func expected(t *testing.T, source string) *regexp.Regexp {
	t.Helper()
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	_, comment, found := strings.Cut(string(text), "\n// Output:\n")
	if !found {
		t.Fatalf("%s does not end in an Output comment", source)
	}
	var want strings.Builder
	for line := range strings.Lines(comment) {
		line, isComment := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "// ")
		if !isComment {
			t.Fatalf("%s: after the Output comment there is %q", source, line)
		}
		if pattern, chance := strings.CutPrefix(line, "~ "); chance {
			want.WriteString("(?:" + pattern + ")\n")
		} else {
			want.WriteString(regexp.QuoteMeta(line) + "\n")
		}
	}
	re, err := regexp.Compile("^" + want.String() + "$")
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return re
}
