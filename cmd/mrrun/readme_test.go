package main

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadme follows README: its programs are compiled and run in modules of their own, next to
// this one.
func TestReadme(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	beside := t.TempDir()
	if err := os.Symlink(root, filepath.Join(beside, "mrrun")); err != nil {
		t.Fatal(err)
	}
	programs := regexp.MustCompile("(?s)<!-- file: (\\w+)/(\\w+\\.go) -->\n```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	wants := regexp.MustCompile("(?m)It prints `(.*?)`").FindAllStringSubmatch(string(readme), -1)
	setUp := regexp.MustCompile("(?s)```\n(go mod init primes\n.*?)go run . -n 1e6\n```").FindStringSubmatch(string(readme))
	if len(programs) != 6 || len(wants) != 4 || setUp == nil {
		t.Fatalf("README has %d programs, says what %d print, and how to set up: %t", len(programs), len(wants), setUp != nil)
	}
	// What README shows of each folder, but for the programs that print what it says.
	run := map[string]string{
		"primes": "go run . -n 1e6; go test . >&2",
		"codes":  `printf '%s - - [x +0] "GET / HTTP/1.1" %s 5\n' a 200 b 404 c 200 >access.log; go run . access.log | tr '\t\n' '  '`,
	}
	want := map[string]string{"codes": "200 2 404 1"}
	limit := map[string]int{"primes": 35, "codes": 30}
	for _, program := range programs {
		name, file, code := program[1], program[2], program[3]
		if file == "main.go" {
			if lines := strings.Count(code, "\n"); limit[name] > 0 && lines > limit[name] {
				t.Errorf("%s has %d lines", name, lines)
			}
			if want[name] == "" {
				want[name], wants = wants[0][1], wants[1:]
			}
		}
		if err := os.MkdirAll(filepath.Join(beside, name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(beside, name, file), []byte(code), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range want {
		t.Run(name, func(t *testing.T) {
			var stderr strings.Builder
			cmd := exec.Command("sh", "-e", "-c", setUp[1]+cmp.Or(run[name], "go run ."))
			cmd.Dir, cmd.Stderr = filepath.Join(beside, name), &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			if got := strings.TrimSpace(string(out)); got != want {
				t.Errorf("got %q, README says %q", got, want)
			}
		})
	}
}
