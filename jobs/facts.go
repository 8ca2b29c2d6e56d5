package jobs

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"mrrun/internal/plain"
	"mrrun/mapreduce"
)

// Facts are what is known about the failure of a piece. The report for people, --json and the job
// log are made of them.
type facts struct {
	Piece      int       `json:"piece"` // counted from 1
	Key        string    `json:"key,omitempty"`
	Cause      string    `json:"cause"`
	Error      string    `json:"error"`
	ExitStatus int       `json:"exit_status,omitempty"`
	Signal     string    `json:"signal,omitempty"`
	Attempts   []attempt `json:"attempts,omitempty"` // that cost a worker its life
	MaxRSS     int64     `json:"max_rss,omitempty"`  // bytes, at most in any attempt
	Stderr     []string  `json:"stderr,omitempty"`   // the last lines of the last attempt
	Stack      []string  `json:"stack,omitempty"`    // the frames of the job's code
	Again      string    `json:"again,omitempty"`    // the command that runs this piece alone

	signalNumber int
	lines        int // on standard error in the last attempt
}

// An attempt is one that ended with the death of its worker.
type attempt struct {
	Worker  int     `json:"worker"`
	PID     int     `json:"pid"`
	Seconds float64 `json:"seconds,omitempty"`
	End     string  `json:"end"`
	MaxRSS  int64   `json:"max_rss,omitempty"`
}

const (
	causeError = "error"
	causePanic = "panic"
	causeLimit = "memory limit exceeded"
)

// shownLines is how many of the last lines on standard error are shown.
const shownLines = 5

// factsOf returns the facts about a piece that failed after these deaths of workers.
func factsOf(piece int, err *mapreduce.TaskError, deaths []mapreduce.WorkerChange) *facts {
	f := &facts{Piece: piece, Key: err.Key(), Error: firstLine(err.Msg)}
	if stack := err.UserStack(); stack != "" {
		f.Stack = strings.Split(stack, "\n")
	}
	for _, d := range deaths {
		f.Attempts = append(f.Attempts, attempt{d.ID, d.PID, d.Ran.Seconds(), d.Lost.End(), d.Lost.MaxRSS})
		f.MaxRSS = max(f.MaxRSS, d.Lost.MaxRSS)
	}
	lost, died := errors.AsType[*mapreduce.WorkerLostError](err)
	if died && len(deaths) == 0 {
		f.Attempts = []attempt{{Worker: lost.Worker, PID: lost.PID, End: lost.End(), MaxRSS: lost.MaxRSS}}
	}
	switch {
	case errors.Is(err, mapreduce.ErrTimeout):
		f.Cause = timeoutOf(err.Msg)
	case errors.Is(err, mapreduce.ErrMemoryLimit):
		f.Cause = causeLimit
	case died && lost.KernelOOM:
		f.Cause = "killed by the kernel, as there was no memory left"
	case died:
		f.Cause = lost.End()
	case strings.HasPrefix(err.Msg, "panic: "):
		f.Cause = causePanic
	default:
		f.Cause = causeError
	}
	if died {
		f.MaxRSS = max(f.MaxRSS, lost.MaxRSS)
		f.ExitStatus, f.signalNumber = max(lost.ExitCode, 0), int(lost.Signal)
		if lost.Signal != 0 {
			f.Signal = strings.TrimPrefix(lost.End(), "killed by ")
		}
		if words := lost.LastWords(); words != "" {
			all := strings.Split(words, "\n")
			f.lines = len(all)
			f.Stderr = all[max(len(all)-shownLines, 0):]
		}
	}
	return f
}

// timeoutOf returns the cause of a piece whose time was over: "timeout of 5s".
func timeoutOf(msg string) string {
	_, limit, found := strings.Cut(msg, mapreduce.ErrTimeout.Error()+" of ")
	if !found {
		return "timeout"
	}
	limit, _, _ = strings.Cut(limit, ":")
	return "timeout of " + limit
}

func firstLine(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}

// brief is one line with the facts.
func (f *facts) brief() string {
	text := f.Cause
	if f.Cause == causeError || f.Cause == causePanic {
		text = f.Error
	}
	if n := len(f.Attempts); n > 0 {
		last := f.Attempts[n-1]
		text += fmt.Sprintf(", %s, worker %d pid %d", count(n, "attempt"), last.Worker, last.PID)
	}
	if f.MaxRSS > 0 {
		text += ", " + bytesText(f.MaxRSS)
	}
	return plain.Text(strings.ReplaceAll(text, "\t", " "))
}

// text is the report for people. limit is the memory limit; 0: none.
func (f *facts) text(limit int64) string {
	var b strings.Builder
	row := func(name, text string) { fmt.Fprintf(&b, "\n  %-9s %s", name, text) }
	if f.Key != "" {
		row("piece", fmt.Sprintf("%d  (%s)", f.Piece, f.Key))
	}
	if f.Cause != causeError && f.Cause != causePanic {
		row("cause", f.Cause)
	}
	for i, a := range f.Attempts {
		name := ""
		if i == 0 {
			name = "attempts"
		}
		text := fmt.Sprintf("%d  worker %d pid %d", i+1, a.Worker, a.PID)
		if a.Seconds > 0 {
			text += "  after " + seconds(time.Duration(a.Seconds*float64(time.Second)))
		}
		row(name, strings.TrimRight(text+"  "+a.End+"  "+bytesText(a.MaxRSS), " "))
	}
	if f.MaxRSS > 0 {
		text := bytesText(f.MaxRSS) + " at most"
		if limit > 0 {
			text += ", limit " + bytesText(limit)
			if f.Cause != causeLimit {
				text += ": not the cause"
			}
		}
		row("memory", text)
	}
	if f.lines > 0 {
		text := fmt.Sprintf("the last %d of %d lines", len(f.Stderr), f.lines)
		if f.lines <= shownLines {
			text = count(f.lines, "line")
		}
		row("stderr", text)
		for _, line := range f.Stderr {
			row("", "| "+line)
		}
	}
	for i, line := range f.Stack {
		name := ""
		if i == 0 {
			name = "stack"
		}
		row(name, strings.ReplaceAll(line, "\t", "    "))
	}
	if f.Again != "" {
		row("again", f.Again)
	}
	return plain.Text(b.String())
}
