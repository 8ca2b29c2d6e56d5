package jobs

import (
	"fmt"
	"html"
	"strings"
	"testing"
)

// svg draws lines as a terminal shows them. It knows the colours that the status area has.
func svg(title string, lines []string) string {
	const line, char, margin = 18, 8, 12
	columns := 0
	for _, l := range lines {
		columns = max(columns, textWidth(l))
	}
	width, height := columns*char+2*margin, len(lines)*line+2*margin
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%[1]d\" height=\"%[2]d\" role=\"img\">\n", width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n<rect width=\"100%%\" height=\"100%%\" rx=\"6\" fill=\"#1d1f21\"/>\n", html.EscapeString(title))
	b.WriteString("<g font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"13\" fill=\"#d8dee9\" xml:space=\"preserve\">\n")
	for i, l := range lines {
		text := html.EscapeString(l)
		text = strings.NewReplacer("\x1b[32m", `<tspan fill="#8fbf6f">`, "\x1b[33m", `<tspan fill="#e5c07b">`, "\x1b[0m", "</tspan>").Replace(text)
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" textLength=\"%d\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\">%s</text>\n",
			margin, margin+i*line+13, textWidth(l)*char, text)
	}
	b.WriteString("</g>\n</svg>")
	return b.String()
}

// The pictures in docs show what the code prints.
func TestScreenshots(t *testing.T) {
	s := aStatus()
	s.colours = true
	lines := append([]string{"$ mrrun wordcount big.txt", "mrrun: piece 118: worker 2 killed by SIGSEGV (pid 4712); it is tried again"}, s.lines(100, 24)...)
	checkGolden(t, "../../docs/status.svg", svg("The status area of mrrun wordcount", lines))

	f := &facts{
		Piece: 118, Key: "chapter 88", Cause: "killed by SIGSEGV", MaxRSS: 41 << 20, lines: 37,
		Stderr: []string{"reading chapter 88", "free(): invalid pointer"},
		Again:  "mrrun wordcount big.txt --only 118 --start inprocess",
	}
	for i, pid := range []int{4712, 4744, 4751} {
		f.Attempts = append(f.Attempts, attempt{Worker: i + 2, PID: pid, Seconds: 0.21, End: f.Cause, MaxRSS: 41 << 20})
	}
	text := "$ mrrun wordcount big.txt\nmrrun: wordcount: piece 118 of 391 failed: " + f.brief() + f.text(512<<20)
	checkGolden(t, "../../docs/death-report.svg", svg("The report of a piece whose workers died", strings.Split(text, "\n")))
}
