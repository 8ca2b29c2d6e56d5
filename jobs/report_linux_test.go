package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// playRun runs the job to its end and returns its exit status and what it has printed.
func playRun(t *testing.T, line string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	cmd := playCommand(t, line)
	cmd.Stdout, cmd.Stderr = &out, &errors
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errors.String()
}

// Text, JSON and job log tell the same facts about each kind of death.
func TestDeathReports(t *testing.T) {
	for _, tt := range []struct {
		do, flags string
		cause     string // in JSON and in the text
		attempts  int
		text      []string
		log       string // status, signal, remark
	}{
		{"kill", "--retries 2", "killed by SIGKILL", 3, []string{"attempts  1  worker ", "3  worker ", "at most"}, `0	9	play .* --only 2 # killed by SIGKILL, 3 attempts, worker \d+ pid \d+, \d+ MiB`},
		{"exit", "--retries 0", "exit status 9", 1, []string{"stderr    1 line", "| I am leaving"}, `9	0	play .* # exit status 9, 1 attempt, worker \d+ pid \d+, \d+ MiB`},
		{"panic", "", "panic", 0, []string{"panic: stage fright", "stack     goroutine ", "jobs.play(", "play_test.go:"}, `1	0	play .* # panic: stage fright`},
		{"hang", "--timeout 300ms", "timeout of 300ms", 1, []string{"killed by SIGKILL", "jobs.play(", "play_test.go:"}, `0	9	play .* # timeout of 300ms, 1 attempt, worker \d+ pid \d+, \d+ MiB`},
		{"eat", "--memory-limit 100Mi", "memory limit exceeded", 1, []string{"at most, limit 100 MiB"}, `\d+	0	play .* # memory limit exceeded, .*`},
		{"error", "", "error", 0, nil, `1	0	play .* # scene 2 is bad`},
	} {
		t.Run(tt.do, func(t *testing.T) {
			t.Parallel()
			log := filepath.Join(t.TempDir(), "log")
			flags := "--pieces 3 --procs 1 --do 2=" + tt.do + " " + tt.flags
			status, stdout, stderr := playRun(t, flags+" --json --keep-going --joblog "+log)
			var got struct{ Failures []facts }
			if err := json.Unmarshal([]byte(stdout), &got); err != nil || status != exitPartial || len(got.Failures) != 1 {
				t.Fatalf("status %d, %v: %s%s", status, err, stdout, stderr)
			}
			f := got.Failures[0]
			if f.Piece != 2 || f.Cause != tt.cause || len(f.Attempts) != tt.attempts {
				t.Errorf("%+v", f)
			}
			wantParts(t, stderr, append(tt.text, "play: piece 2 of 3 failed: ")...)
			if tt.cause != causeError {
				wantParts(t, stderr, "  again     "+f.Again+"\n")
			}
			if tt.attempts > 0 {
				wantParts(t, stderr, "cause     "+tt.cause+"\n", "memory    ")
			}
			text, err := os.ReadFile(log)
			lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
			if err != nil || len(lines) != 4 || lines[0]+"\n" != jobLogHead {
				t.Fatalf("%v: %s", err, text)
			}
			if !regexp.MustCompile(`(?m)^2	:	[\d.]+	 *[\d.]+	\d+	\d+	` + tt.log + `$`).Match(text) {
				t.Errorf("the job log has no line of piece 2 that fits %s:\n%s", tt.log, text)
			}
			// The same run without --keep-going fails, with the same facts.
			status, stdout, stderr = playRun(t, flags+" --json")
			if err := json.Unmarshal([]byte(stdout), &got); err != nil || status != 1 || len(got.Failures) != 1 || got.Failures[0].Cause != tt.cause {
				t.Errorf("status %d, %v: %s%s", status, err, stdout, stderr)
			}
		})
	}
}

// The command in a report works when pasted: it runs the piece alone, in this process.
func TestReportsCommand(t *testing.T) {
	_, _, stderr := playRun(t, "--pieces 5 --do 4=exit --retries 0")
	_, again, ok := strings.Cut(stderr, "\n  again     ")
	if !ok {
		t.Fatal(stderr)
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(dir, "play"))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", again)
	cmd.Env = append(os.Environ(), playVariable+"=1", "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 9 || string(out) != "I am leaving\n" {
		t.Errorf("%q: %v, %s", again, err, out)
	}
}

// Runs that are bound by their start, by their input and by one long piece get three sentences.
func TestInsights(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"--pieces 4 --procs 4", "Starting workers took "},
		{"--pieces 12 --procs 2 --between 100ms", "Workers waited "},
		{"--pieces 8 --procs 3 --sleep 5ms --do 2=sleep1500ms", "Piece 2 ({N:2 Do:sleep1500ms Sleep:5ms}) took 1.5"},
	} {
		_, stdout, stderr := playRun(t, tt.line+" --json")
		var got struct{ Insights insights }
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatalf("%v: %s%s", err, stdout, stderr)
		}
		in := got.Insights
		if !strings.HasPrefix(in.Advice, tt.want) {
			t.Errorf("%s: %s %+v", tt.line, in.Advice, in.Times)
		}
		if len(in.Workers) == 0 || len(in.Slowest) == 0 || in.Times.Start <= 0 || in.Times.Exit <= 0 {
			t.Errorf("%s: %+v", tt.line, in)
		}
	}
}

// A job log of chunks has a line for each piece.
func TestJobLogOfChunks(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if status, _, stderr := playRun(t, "--pieces 100 --procs 2 --chunksize 7 --only 11-90 --joblog "+log); status != 0 || stderr != "" {
		t.Fatalf("status %d: %s", status, stderr)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for piece := 11; piece <= 90; piece++ {
		if n := strings.Count(string(text), fmt.Sprintf("\n%d\t:\t", piece)); n != 1 {
			t.Errorf("%d lines of piece %d", n, piece)
		}
	}
	status, _, stderr := playRun(t, "--pieces 3 --joblog /dev/null/none")
	if status != 1 || !strings.Contains(stderr, "make the job log: ") {
		t.Errorf("status %d: %s", status, stderr)
	}
	status, _, stderr = playRun(t, "--pieces 3 --joblog /dev/full")
	if status != 1 || !strings.Contains(stderr, "write the job log: ") {
		t.Errorf("status %d: %s", status, stderr)
	}
}
