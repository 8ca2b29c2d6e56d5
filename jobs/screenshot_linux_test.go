package jobs

import (
	"strings"
	"testing"

	"mrrun/internal/screenshot"
)

// The pictures in docs show what the code prints.
func TestScreenshots(t *testing.T) {
	s := aStatus()
	s.colours = true
	lines := append([]string{"$ mrrun wordcount big.txt", "mrrun: piece 118: worker 2 killed by SIGSEGV (pid 4712); it is tried again"}, s.lines(100, 24)...)
	checkGolden(t, "../../docs/status.svg", screenshot.SVG("The status area of mrrun wordcount", lines, textWidth))

	f := &facts{
		Piece: 118, Key: "chapter 88", Cause: "killed by SIGSEGV", MaxRSS: 41 << 20, lines: 37,
		Stderr: []string{"reading chapter 88", "free(): invalid pointer"},
		Again:  "mrrun wordcount big.txt --only 118 --start inprocess",
	}
	for i, pid := range []int{4712, 4744, 4751} {
		f.Attempts = append(f.Attempts, attempt{Worker: i + 2, PID: pid, Seconds: 0.21, End: f.Cause, MaxRSS: 41 << 20})
	}
	text := "$ mrrun wordcount big.txt\nmrrun: wordcount: piece 118 of 391 failed: " + f.brief() + f.text(512<<20)
	checkGolden(t, "../../docs/death-report.svg", screenshot.SVG("The report of a piece whose workers died", strings.Split(text, "\n"), textWidth))
}
