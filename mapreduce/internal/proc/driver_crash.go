package proc

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
)

// crashSize is how many bytes of the runtime's report of a crash are kept.
const crashSize = 64 << 10

// Patterns of lines of a report.
var (
	// crashBegin matches the line with which the runtime begins to report a crash.
	crashBegin = lazily(`^(panic: |fatal error: |runtime/cgo: |(SIG[A-Z]+): )`)

	headLine       = lazily(`^($|\t|\[|PC=|m=|runtime: |signal |instruction bytes:)`)
	goroutineBegin = lazily(`^goroutine (\d+) .*:$`)
	frameLine      = lazily(`^(\t|created by |\.\.\.|[^\s(]+\()`) // a function, or a place in it
	registerLine   = lazily(`^\w+ +0x[0-9a-f]+$`)
	// ownFrame matches frames of the runtime and of what it shares with the standard library.
	ownFrame = lazily(`^(created by )?(runtime[./]|internal/|panic\()`)
	// foreignCreator matches what creates goroutines of a worker that do not run the user's code.
	foreignCreator = lazily(`^(runtime|os/signal|time|mrrun/mapreduce|mrrun/internal|mrrun/mapreduce/internal)[./]`)
	// callFrame matches the frame where a worker calls the user's code.
	callFrame = lazily(`^(created by )?mrrun/mapreduce\.(\(\*(Task|Job|State)\[|\(\*worker\)|mapPiece|safely\()`)
)

// lazily returns a function that compiles the pattern when it is first called: most processes see
// no crash, and a worker must start fast.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

const maxFrames = 8 // frames of a goroutine to keep; recursion may have a hundred

// A Dump reduces the runtime's report of a crash, line by line, to the cause and the place: the
// goroutine that crashed, with the frames of the user's code. Lines before and after the report
// stay. The zero value is ready for the first line.
type Dump struct {
	part   dumpPart
	keeps  bool // a frame whose second line follows
	frames int
}

type dumpPart int

const (
	noDump    dumpPart = iota
	dumpHead           // the cause
	dumpStack          // of the runtime
	dumpFirst          // the goroutine that crashed
	dumpOther          // another goroutine, or what follows the user's frames
	dumpGap            // between goroutines
)

// Cut returns what remains of the next line, which has no newline. ok is false if the line is
// dropped.
func (d *Dump) Cut(line string) (left string, ok bool) {
	switch {
	case crashBegin().MatchString(line):
		*d = Dump{part: dumpHead}
		return line, true
	case d.part == noDump:
		return line, true
	case d.part == dumpHead && line == "runtime stack:":
		d.part = dumpStack
		return "", false
	case goroutineBegin().MatchString(line):
		return line, d.begin(line)
	}
	switch d.part {
	case dumpHead:
		if !headLine().MatchString(line) {
			d.part = noDump
		}
		return line, !strings.HasPrefix(line, "PC=") && !strings.HasPrefix(line, "instruction bytes:")
	case dumpStack:
		return "", false
	case dumpFirst:
		return d.frame(line)
	}
	if line == "" {
		d.part = dumpGap
		return "", false
	}
	if d.part == dumpOther && frameLine().MatchString(line) || registerLine().MatchString(line) {
		return "", false
	}
	d.part = noDump
	return line, true
}

// begin reports whether the goroutine is the one that crashed: the first one, not counting
// goroutine 0, which belongs to a thread.
func (d *Dump) begin(line string) bool {
	switch {
	case d.part == dumpOther || d.part == dumpGap || d.part == dumpFirst:
		d.part = dumpOther
	case goroutineBegin().FindStringSubmatch(line)[1] == "0":
		d.part = dumpStack
	default:
		d.part = dumpFirst
		return true
	}
	return false
}

// frame is Cut for a line of the goroutine that crashed.
func (d *Dump) frame(line string) (left string, ok bool) {
	switch {
	case line == "":
		d.part = dumpGap
		return "", false
	case strings.HasPrefix(line, "\t"):
		where, _, _ := strings.Cut(line, " +0x")
		return where, d.keeps
	case d.frames == maxFrames || callFrame().MatchString(line):
		d.part = dumpOther
		return "", false
	}
	if d.keeps = !ownFrame().MatchString(line); d.keeps {
		d.frames++
	}
	return line, d.keeps
}

// Brief returns the last words of a process, cut by [Dump] unless [WholeDumps].
func Brief(words string) string {
	if WholeDumps() {
		return words
	}
	var d Dump
	var b strings.Builder
	omitted := 0
	for line := range strings.Lines(words) {
		if left, ok := d.Cut(strings.TrimSuffix(line, "\n")); ok {
			b.WriteString(left + "\n")
		} else {
			omitted++
		}
	}
	if omitted > 0 {
		fmt.Fprintf(&b, "(%d more lines: GOTRACEBACK=all shows them)\n", omitted)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// WholeDumps reports whether the user asked the runtime, by GOTRACEBACK, to report more than the
// goroutine that crashed.
func WholeDumps() bool {
	switch os.Getenv("GOTRACEBACK") {
	case "", "none", "0", "single":
		return false
	}
	return true
}

// crashSignal returns the signal that a crashed Go program reports, and whether the signal came
// while the program ran C code. The exit status does not say so: it is that of a panic.
func (e Exit) crashSignal() (name string, inC bool) {
	if e.Code != exitCrash {
		return "", false
	}
	for line := range strings.Lines(e.Stderr) {
		if m := crashBegin().FindStringSubmatch(line); name == "" && m != nil {
			name = m[2]
		}
		if name != "" && (strings.HasPrefix(line, "signal arrived during cgo execution") || strings.HasPrefix(line, "signal arrived during external code execution")) {
			return name, true
		}
	}
	return name, false
}

// words returns the last lines of standard error, after finish; for a worker that crashed, all of
// the runtime's report if that is longer.
func (o *output) words(exit Exit) string {
	words := o.stderr.tail
	if (exit.Code == exitCrash || exit.Signal == syscall.SIGABRT) && len(o.stderr.crash) >= tailSize {
		words = o.stderr.crash
	}
	return string(bytes.TrimRight(words, "\n"))
}

// UserFrames returns what a [Dump] keeps of the stack of one goroutine of a worker, if it runs the
// user's code: its first line, and the frames of that code. It returns an empty text for any other
// goroutine.
func UserFrames(stack string) string {
	first, rest, _ := strings.Cut(stack, "\n")
	_, creator, created := strings.Cut(rest, "created by ")
	works := strings.Contains(rest, "mrrun/mapreduce.(*worker).work(")
	if !works && (!created || foreignCreator().MatchString(creator)) {
		return ""
	}
	if at := strings.LastIndex(rest, "\npanic("); at >= 0 { // before it stands what recovered the panic
		rest = rest[at+1:]
	}
	d := Dump{part: dumpFirst}
	text := first
	for line := range strings.Lines(rest) {
		if left, ok := d.Cut(strings.TrimSuffix(line, "\n")); ok && d.part == dumpFirst {
			text += "\n" + left
		}
	}
	if text == first {
		return "" // it runs only what is not the user's
	}
	return text
}
