package jobs

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"mrrun/mapreduce"
)

// aStatus is a status as in the documentation.
func aStatus() *status {
	worker := func(id, pid, item int, ran time.Duration) mapreduce.WorkerStats {
		return mapreduce.WorkerStats{ID: id, PID: pid, Task: "count", Item: item, For: ran, Memory: 38 << 20}
	}
	workers := []mapreduce.WorkerStats{worker(1, 4711, 310, 100*time.Millisecond), worker(3, 4730, 117, 13*time.Second)}
	workers[0].ItemDone, workers[0].ItemTotal = 1, 4
	return &status{
		job: "wordcount", progress: progress{total: 391, done: 312, passed: 4 * time.Second, median: 20 * time.Millisecond, failed: 1},
		numbers: mapreduce.Stats{Lost: 1, Retried: 1, Workers: workers,
			Times: mapreduce.Times{Work: 960 * time.Millisecond, Wait: 30 * time.Millisecond, Start: 10 * time.Millisecond}},
		left: time.Second, piece: func(i int) int { return i + 1 },
	}
}

// The area fits terminals of any width: what matters less is left out.
func TestStatusArea(t *testing.T) {
	for _, columns := range []int{20, 80, 200} {
		m := openTerminal(t, columns, 24)
		s := &screen{out: m.slave, live: true}
		s.set(aStatus().lines(s.size()))
		m.await(t, "piece 311")
		checkGolden(t, fmt.Sprintf("status-%d.txt", columns), m.text())
		fmt.Fprintln(s.writer(m.slave), "a message")
		s.set(aStatus().lines(s.size()))
		if got := m.await(t, "a message", "piece 311"); !strings.HasPrefix(got, "a message\n") || strings.Count(got, "piece 311") != 1 {
			t.Errorf("the message is not above one area:\n%s", got)
		}
		s.set(nil)
		fmt.Fprintln(s.writer(m.slave), "the end")
		if got := m.await(t, "the end"); got != "a message\nthe end" {
			t.Errorf("the area is not removed: %q", got)
		}
	}
	for columns := 20; columns <= 300; columns++ {
		for _, line := range aStatus().lines(columns, 24) {
			if textWidth(line) >= columns {
				t.Errorf("%d columns: a line of %d: %q", columns, textWidth(line), line)
			}
		}
	}
}

// An area that was drawn before the terminal became narrower is removed whole.
func TestStatusAreaAfterResize(t *testing.T) {
	m := openTerminal(t, 120, 24)
	s := &screen{out: m.slave, live: true}
	fmt.Fprintln(s.writer(m.slave), "before")
	s.set(aStatus().lines(s.size()))
	m.await(t, "SLOW")
	m.resize(t, 30, 24)
	s.set([]string{"new"})
	m.await(t, "new")
	if got := m.text(); got != "before\nnew" {
		t.Errorf("after the resize:\n%s", got)
	}
}

// checkGolden compares text with a file in testdata. With UPDATE_GOLDEN in the environment, it
// writes the file.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got+"\n" != string(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
	}
}

// What the workers print stands above the area, and their control characters do nothing.
func TestRunOnTerminal(t *testing.T) {
	m := openTerminal(t, 100, 30)
	cmd := playCommand(t, "--pieces 12 --sleep 400ms --procs 2 --do 2=print,3=once --after 300ms")
	cmd.Stdout, cmd.Stderr = m.slave, m.slave
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m.await(t, "of 12 pieces", "pid", "piece", "75 %")
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	text := m.await(t, "\n78")
	wantParts(t, text, `item 1] \x1b[31mred\x1b[2J\x07 and \x9b0m`, "play: piece 3: worker ", "killed by SIGKILL (pid ", "; it is tried again\n",
		"play: 12 pieces in ", "2 workers ", "1 worker lost, 1 piece tried again")
	if strings.Contains(text, "pieces  ") || len(m.unknown) > 0 {
		t.Errorf("the area is left, or the screen does not know %q:\n%s", m.unknown, text)
	}
	wantParts(t, m.written(), "finishing the result")
}

// In a pipe there are messages only; SIGUSR1 prints the area once.
func TestRunInPipe(t *testing.T) {
	var out, stderr bytes.Buffer
	cmd := playCommand(t, "--pieces 6 --sleep 400ms --procs 2")
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil || out.String() != "21\n" || stderr.Len() > 0 {
		t.Errorf("%v: %q, %q", err, &out, &stderr)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd = playCommand(t, "--pieces 100 --sleep 100ms --procs 1 --progress=200ms")
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	asked := false
	var lines []string
	for line := range linesOf(r) {
		lines = append(lines, line)
		if !asked && strings.Contains(line, "of 100 pieces") { // the display has begun
			asked = true
			_ = cmd.Process.Signal(syscall.SIGUSR1)
		}
		if strings.Contains(line, "pid ") {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	text := strings.Join(lines, "\n")
	wantParts(t, text, "of 100 pieces", "play: 1 worker  work ", "pid ")
	if strings.Contains(text, "\x1b") {
		t.Errorf("escape sequences in a pipe: %q", text)
	}
}

// Within a second a run shows nothing but its result, and a dumb terminal has no area.
func TestQuietTerminals(t *testing.T) {
	for _, tt := range []struct{ line, env string }{
		{"--pieces 2 --procs 1", "TERM=xterm"},
		{"--pieces 3 --sleep 500ms --procs 1", "TERM=dumb"},
		{"--pieces 3 --sleep 500ms --procs 1 --quiet", "TERM=xterm"},
	} {
		m := openTerminal(t, 80, 24)
		cmd := playCommand(t, tt.line, tt.env)
		cmd.Stdout, cmd.Stderr = m.slave, m.slave
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		m.awaitWritten(t, "\n")
		if got := m.written(); got != "3\r\n" && got != "6\r\n" {
			t.Errorf("%s, %s: %q", tt.line, tt.env, got)
		}
	}
}
