package jobs

import (
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"mrrun/internal/plain"
)

// A screen is a terminal, or what standard error is instead, on which a status area stands below
// all else that is printed. It is safe for concurrent use.
type screen struct {
	out  *os.File
	live bool // it has an area: a terminal that knows escape sequences

	mu    sync.Mutex
	lines []string // of the area, as they stand on the terminal
}

func newScreen(out *os.File) *screen {
	return &screen{out: out, live: isTerminal(out) && os.Getenv("TERM") != "dumb"}
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// size returns the number of columns and rows, which may change at any time.
func (s *screen) size() (columns, rows int) {
	columns, rows, err := term.GetSize(int(s.out.Fd()))
	if err != nil || columns <= 0 || rows <= 0 {
		return 80, 24
	}
	return columns, rows
}

// set draws the area anew. No lines remove it.
func (s *screen) set(lines []string) {
	if !s.live {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.erased()
	s.lines = lines
	_, _ = io.WriteString(s.out, text+strings.Join(lines, "\n"))
}

// erased returns what removes the area. A terminal that has become narrower has broken its lines.
func (s *screen) erased() string {
	if len(s.lines) == 0 {
		return ""
	}
	columns, _ := s.size()
	up := -1
	for _, line := range s.lines {
		up += max((textWidth(line)+columns-1)/columns, 1)
	}
	return "\r" + strings.Repeat("\x1b[A", up) + "\x1b[J"
}

// writer returns a writer of whole lines to f, which may be the same terminal: they appear above
// the area. On a terminal, control characters in them are shown, not obeyed.
func (s *screen) writer(f *os.File) io.Writer {
	return &lineWriter{screen: s, out: f, clean: isTerminal(f)}
}

type lineWriter struct {
	screen *screen
	out    *os.File
	clean  bool
}

func (w *lineWriter) Write(b []byte) (int, error) {
	s := w.screen
	text := string(b)
	if w.clean {
		text = plain.Text(text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) > 0 {
		if _, err := io.WriteString(s.out, s.erased()); err != nil {
			return 0, err
		}
		defer func() { _, _ = io.WriteString(s.out, strings.Join(s.lines, "\n")) }()
	}
	if _, err := io.WriteString(w.out, text); err != nil {
		return 0, err
	}
	return len(b), nil
}
