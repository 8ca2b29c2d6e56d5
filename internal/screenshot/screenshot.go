// Package screenshot draws what a command prints, for the pictures in docs.
package screenshot

import (
	"fmt"
	"html"
	"strings"
)

// SVG draws lines as a terminal shows them, on which each takes as many columns as width says. It
// knows the colours that the status area has.
func SVG(title string, lines []string, width func(line string) int) string {
	const line, char, margin = 18, 8, 12
	columns := 0
	for _, l := range lines {
		columns = max(columns, width(l))
	}
	w, h := columns*char+2*margin, len(lines)*line+2*margin
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%[1]d\" height=\"%[2]d\" role=\"img\">\n", w, h)
	fmt.Fprintf(&b, "<title>%s</title>\n<rect width=\"100%%\" height=\"100%%\" rx=\"6\" fill=\"#1d1f21\"/>\n", html.EscapeString(title))
	b.WriteString("<g font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"13\" fill=\"#d8dee9\" xml:space=\"preserve\">\n")
	for i, l := range lines {
		text := html.EscapeString(l)
		text = strings.NewReplacer("\x1b[32m", `<tspan fill="#8fbf6f">`, "\x1b[33m", `<tspan fill="#e5c07b">`, "\x1b[0m", "</tspan>").Replace(text)
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" textLength=\"%d\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\">%s</text>\n",
			margin, margin+i*line+13, width(l)*char, text)
	}
	b.WriteString("</g>\n</svg>")
	return b.String()
}
