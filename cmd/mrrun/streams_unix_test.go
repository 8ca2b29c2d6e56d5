//go:build linux || darwin

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
)

// mrrun | head: the reader goes away. As with other commands, SIGPIPE ends the writer silently.
func TestReaderGoesAway(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.txt")
	writeWords(t, text)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("mrrun", "wordcount", "--top", "0", text)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	r.Close()
	err = cmd.Wait()
	if s := cmd.ProcessState.Sys().(syscall.WaitStatus); s.Signal() != syscall.SIGPIPE || stderr.Len() > 0 {
		t.Errorf("got %v and %q, want the silent end by SIGPIPE", err, stderr.String())
	}
}

// A full disk is reported once, in one line.
func TestResultOntoFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("no /dev/full here: %v", err)
	}
	defer full.Close()
	text := filepath.Join(t.TempDir(), "text.txt")
	writeWords(t, text)
	for _, args := range [][]string{
		{"pi", "-n", "10"},
		{"pi", "-n", "10", "--json"},
		{"wordcount", "--top", "0", text},
		{"wordcount", "--top", "0", "--json", text},
		{"bench", "pi", "-n", "10", "--repeat", "1"},
		{"bench", "pi", "-n", "10", "--repeat", "1", "--json"},
		{"bench", "overhead", "--tasks", "10", "--repeat", "1"},
		{"--help"}, {"pi", "--help"}, {"bench", "--help"}, {"version"},
	} {
		cmd := exec.Command("mrrun", args...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &stderr
		if err := cmd.Run(); cmd.ProcessState.ExitCode() != 1 {
			t.Errorf("mrrun %q: got %v, want status 1", args, err)
		}
		if got := stderr.String(); !regexp.MustCompile(`^mrrun: .*write .*: no space left on device\n$`).MatchString(got) {
			t.Errorf("mrrun %q says %q", args, got)
		}
	}
}

// A closed stream is an error, found before any work; /dev/null is not.
func TestClosedStreams(t *testing.T) {
	const closedOutput = "mrrun: standard output is closed, or is /dev/null opened for reading and writing, which looks the same: open /dev/null for writing alone if you mean that\n"
	const closedInput = "mrrun: wordcount: standard input is closed, or is /dev/null opened for reading and writing, which looks the same: open /dev/null for reading alone if you mean that\n"
	tests := []struct {
		line   string
		status int
		stderr string
	}{
		{"mrrun pi -n 1e13 >&-", 1, closedOutput},
		{"mrrun pi -n 1e13 --json >&-", 1, closedOutput},
		{"mrrun bench pi -n 1e13 >&-", 1, closedOutput},
		{"mrrun bench overhead --json >&-", 1, closedOutput},
		{"mrrun --help >&-", 1, closedOutput},
		{"mrrun pi -n 1e13 <&- >&-", 1, closedOutput},
		{"mrrun pi -n 1e13 1</dev/null", 1, "mrrun: standard output is not open for writing\n"},
		{"mrrun wordcount - <&-", 1, closedInput},
		{"mrrun wordcount --json /dev/stdin <&-", 1, closedInput},
		{"mrrun wordcount - 0>/dev/null", 1, "mrrun: wordcount: standard input is not open for reading\n"},
		{"mrrun wordcount - </dev/null", 0, ""},
		{"mrrun pi -n 10 >/dev/null", 0, ""},
		{"mrrun pi -n 10 <&- | cat >/dev/null", 0, ""},
		{"mrrun wordcount - <>/dev/null >&0", 0, ""}, // as daemons have it
	}
	for _, tt := range tests {
		cmd := exec.Command("sh", "-c", tt.line)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		if cmd.ProcessState.ExitCode() != tt.status || stdout.Len() > 0 || stderr.String() != tt.stderr {
			t.Errorf("%s: got %v, output %q and errors %q; want status %d and errors %q", tt.line, err, stdout.String(), stderr.String(), tt.status, tt.stderr)
		}
	}
}

// A file onto which another one is mounted cannot be replaced, only written.
func TestOutOntoMount(t *testing.T) {
	unshare := []string{"--map-root-user", "--mount"}
	if err := exec.Command("unshare", append(unshare, "true")...).Run(); err != nil {
		t.Skipf("no mounts of one's own here: %v", err)
	}
	t.Chdir(t.TempDir())
	for _, name := range []string{"outer", "inner"} {
		if err := os.WriteFile(name, []byte("what was there before"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("unshare", append(unshare, "sh", "-c", "mount --bind inner outer && mrrun factorial -n 5 --out outer")...)
	if out, err := cmd.CombinedOutput(); string(out) != "120\n" || err != nil {
		t.Fatalf("got %q, %v", out, err)
	}
	for name, want := range map[string]string{"outer": "what was there before", "inner": "120\n"} {
		if got, err := os.ReadFile(name); string(got) != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
}
