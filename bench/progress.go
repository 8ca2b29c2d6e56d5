package bench

import (
	"fmt"
	"os"

	"golang.org/x/term"
)

// A progress is one line on a terminal, or nothing.
type progress struct{ to *os.File }

func newProgress(f *os.File) progress {
	if !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return progress{}
	}
	return progress{f}
}

// say replaces the line.
func (p progress) say(text string) {
	if p.to != nil {
		fmt.Fprintf(p.to, "\r\x1b[K%s", text)
	}
}

// end removes the line.
func (p progress) end() { p.say("") }
