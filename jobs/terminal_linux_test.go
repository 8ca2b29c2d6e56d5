package jobs

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// A terminal is a pseudo-terminal with the screen that a terminal would show.
type terminal struct {
	master, slave *os.File
	gone          chan struct{}

	mu            sync.Mutex
	columns, rows int
	cells         [][]rune
	x, y          int
	raw           strings.Builder // all that was written
	rest          []byte          // of an incomplete sequence
	unknown       []string        // sequences that the screen does not know
}

func openTerminal(t testing.TB, columns, rows int) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := &terminal{master: master, slave: slave, gone: make(chan struct{})}
	m.resize(t, columns, rows)
	go m.run()
	t.Cleanup(m.close)
	return m
}

func (m *terminal) close() {
	m.slave.Close()
	<-m.gone // the last slave is closed
	m.master.Close()
}

// resize gives the terminal another size, and breaks its lines as most terminals do.
func (m *terminal) resize(t testing.TB, columns, rows int) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := unix.IoctlSetWinsize(int(m.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(rows), Col: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	old := m.cells
	m.columns, m.rows, m.cells, m.x, m.y = columns, rows, nil, 0, 0
	m.grow()
	for i, line := range old {
		text := strings.TrimRight(string(line), " ")
		for _, r := range text {
			m.put(r)
		}
		if i < len(old)-1 && text != "" {
			m.feedLine()
		}
	}
}

func (m *terminal) grow() {
	for len(m.cells) <= m.y {
		m.cells = append(m.cells, []rune(strings.Repeat(" ", m.columns)))
	}
}

func (m *terminal) feedLine() { m.x, m.y = 0, m.y+1; m.grow() }

func (m *terminal) put(r rune) {
	if m.x+runeWidth(r) > m.columns {
		m.feedLine()
	}
	m.cells[m.y][m.x] = r
	m.x += runeWidth(r)
}

func (m *terminal) run() {
	defer close(m.gone)
	buf := make([]byte, 4096)
	for {
		n, err := m.master.Read(buf)
		m.mu.Lock()
		m.raw.Write(buf[:n])
		m.rest = append(m.rest, buf[:n]...)
		for m.step() {
		}
		m.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// step obeys the next rune or sequence, if it is complete.
func (m *terminal) step() bool {
	b := m.rest
	if len(b) == 0 || !utf8.FullRune(b) {
		return false
	}
	if b[0] != '\x1b' {
		r, size := utf8.DecodeRune(b)
		m.rest = b[size:]
		switch {
		case r == '\r':
			m.x = 0
		case r == '\n':
			m.y++
			m.grow()
		case r == '\t':
			m.x = min(m.x/8*8+8, m.columns-1)
		case r < ' ' || r == utf8.RuneError || r >= 0x7f && r < 0xa0:
			m.unknown = append(m.unknown, fmt.Sprintf("%q", r))
		default:
			m.put(r)
		}
		return true
	}
	end := strings.IndexFunc(string(b[1:]), func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' })
	if end < 0 {
		return false
	}
	sequence := string(b[:end+2])
	m.rest = b[end+2:]
	switch {
	case sequence == "\x1b[A":
		m.y = max(m.y-1, 0)
	case sequence == "\x1b[J":
		m.cells = m.cells[:m.y+1]
		for x := m.x; x < m.columns; x++ {
			m.cells[m.y][x] = ' '
		}
	case strings.HasSuffix(sequence, "m"):
	default:
		m.unknown = append(m.unknown, fmt.Sprintf("%q", sequence))
	}
	return true
}

// text returns what stands on the screen, without empty lines at the end.
func (m *terminal) text() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []string
	for _, cells := range m.cells {
		line := strings.TrimRight(string(cells), " ")
		lines = append(lines, line)
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func (m *terminal) written() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.raw.String()
}

// await returns the screen when it has all of these parts.
func (m *terminal) await(t *testing.T, parts ...string) string {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		text := m.text()
		missing := ""
		for _, part := range parts {
			if !strings.Contains(text, part) {
				missing = part
			}
		}
		if missing == "" {
			return text
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %q on the screen:\n%s\nwritten: %q", missing, text, m.written())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// playCommand returns the command that plays, in an environment with these variables.
func playCommand(t *testing.T, line string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = append([]string{"play"}, strings.Fields(line)...)
	cmd.Env = append(os.Environ(), append([]string{playVariable + "=1", "TERM=xterm", "NO_COLOR="}, env...)...)
	return cmd
}

// awaitWritten waits until the text has been written.
func (m *terminal) awaitWritten(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(m.written(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q is not written: %q", text, m.written())
		}
	}
}

// linesOf yields the lines of a file as they come.
func linesOf(f *os.File) func(func(string) bool) {
	return func(yield func(string) bool) {
		for in := bufio.NewScanner(f); in.Scan(); {
			if !yield(in.Text()) {
				return
			}
		}
	}
}

// awaitText waits until nothing but the text stands on the screen.
func (m *terminal) awaitText(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); m.text() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("on the screen stands\n%s\nwant\n%s", m.text(), want)
		}
	}
}
