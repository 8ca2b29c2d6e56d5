package main

import (
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
	programs := regexp.MustCompile("(?s)<!-- file: (\\w+)/main.go -->\n```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	wants := regexp.MustCompile("(?m)It prints `(.*?)`").FindAllStringSubmatch(string(readme), -1)
	setUp := regexp.MustCompile("(?s)```\n(go mod init primes\n.*?)```").FindStringSubmatch(string(readme))
	if len(programs) != 4 || len(wants) != len(programs) || setUp == nil {
		t.Fatalf("README has %d programs, says what %d print, and how to set up: %t", len(programs), len(wants), setUp != nil)
	}
	for i, program := range programs {
		name, code, want := program[1], program[2], wants[i][1]
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(beside, name)
			if err := os.Mkdir(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(code), 0o666); err != nil {
				t.Fatal(err)
			}
			script := setUp[1]
			if name != "primes" {
				script = strings.ReplaceAll(script, "go run . -n 1e6", "go run .")
			}
			var stderr strings.Builder
			cmd := exec.Command("sh", "-e", "-c", script)
			cmd.Dir, cmd.Stderr = dir, &stderr
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
