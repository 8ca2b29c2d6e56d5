package bench

import (
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"strings"
)

// The chart of the speed-up over the number of processes, in pixels.
const (
	chartWidth, chartHeight = 640, 400
	chartLeft, chartRight   = 60, 150
	chartTop, chartBottom   = 40, 50
)

// A series is what one line of the chart shows.
type series struct {
	name, colour string
	rows         []row
}

// seriesOf returns the lines of the chart.
func (r *report) seriesOf() (all []series) {
	for _, s := range []series{{name: "procs", colour: "#1f6fb4"}, {name: "goroutines", colour: "#2a9148"}, {name: "loop", colour: "#555"},
		{name: "python", colour: "#d9822b"}, {name: "c", colour: "#8e44ad"}} {
		for _, row := range r.Rows {
			if row.Name == s.name {
				s.rows = append(s.rows, row)
			}
		}
		if len(s.rows) > 0 {
			slices.SortFunc(s.rows, func(a, b row) int { return a.Procs - b.Procs })
			all = append(all, s)
		}
	}
	return all
}

// writeSVG draws the speed-up, with the intervals, beside the ideal one and the law of Amdahl.
func (r *report) writeSVG(out io.Writer) error {
	most, top := 1, 1.
	for _, row := range r.Rows {
		most, top = max(most, row.Procs), max(top, row.Speedup)
	}
	top = math.Ceil(max(top, float64(most)) * 1.05)
	x := func(procs float64) float64 {
		return chartLeft + (chartWidth-chartLeft-chartRight)*(procs-0.5)/(float64(most))
	}
	y := func(speedup float64) float64 {
		return chartHeight - chartBottom - (chartHeight-chartTop-chartBottom)*speedup/top
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%d" font-family="system-ui, sans-serif" font-size="12">
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="%d" y="22" font-size="14" fill="#111">%s</text>
`, chartWidth, chartHeight, chartLeft, html.EscapeString("Speed-up of "+r.Command))
	for _, v := range ticks(top) {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end" fill="#333">%g</text>`+"\n",
			chartLeft, y(v), chartWidth-chartRight, chartLeft-8, y(v)+4, v)
	}
	for _, n := range r.numbers() {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#333">%d</text>`+"\n", x(float64(n)), chartHeight-chartBottom+18, n)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle" fill="#333">processes</text>`+"\n", (chartLeft+chartWidth-chartRight)/2, chartHeight-12)
	curve := func(name, colour string, f func(n float64) float64) {
		var path []string
		for i := range 41 {
			n := 1 + (float64(most)-1)*float64(i)/40
			path = append(path, fmt.Sprintf("%.1f,%.1f", x(n), y(f(n))))
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-dasharray="4 4"><title>%s</title></polyline>`+"\n", strings.Join(path, " "), colour, name)
	}
	base := 1. // of one process
	for _, row := range r.Rows {
		if row.Name == "procs" && row.Procs == 1 {
			base = row.Speedup
		}
	}
	curve("ideal", "#999", func(n float64) float64 { return n })
	labels := []series{{name: "ideal", colour: "#999"}}
	if a := r.Amdahl; a != nil {
		curve("Amdahl", "#c33", func(n float64) float64 { return base / (a.Serial + (1-a.Serial)/n) })
		labels = append(labels, series{name: fmt.Sprintf("Amdahl, %.1f %% serial", 100*a.Serial), colour: "#c33"})
	}
	for _, s := range r.seriesOf() {
		var path []string
		for _, row := range s.rows {
			at := x(float64(row.Procs))
			path = append(path, fmt.Sprintf("%.1f,%.1f", at, y(row.Speedup)))
			if row.Low > 0 {
				fmt.Fprintf(&b, `<path d="M%.1f %.1fV%.1f" stroke="%s" stroke-width="2"/>`+"\n", at, y(r.Rows[0].Median/row.High), y(r.Rows[0].Median/row.Low), s.colour)
			}
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s"><title>%s: %.2f</title></circle>`+"\n", at, y(row.Speedup), s.colour, row.title(), row.Speedup)
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(path, " "), s.colour)
		labels = append(labels, s)
	}
	for i, s := range labels {
		at := chartTop + 10 + 20*i
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="12" height="4" fill="%s"/><text x="%d" y="%d" fill="#111">%s</text>`+"\n",
			chartWidth-chartRight+10, at, s.colour, chartWidth-chartRight+28, at+7, html.EscapeString(s.name))
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// numbers are the numbers of processes that were measured, few enough to be read.
func (r *report) numbers() (all []int) {
	for _, row := range r.Rows {
		if !slices.Contains(all, row.Procs) {
			all = append(all, row.Procs)
		}
	}
	slices.Sort(all)
	return all
}

// ticks are five or so round numbers from 0 to top.
func ticks(top float64) (all []float64) {
	step := math.Pow(10, math.Floor(math.Log10(top/2)))
	for _, n := range []float64{1, 2, 5, 10} {
		if top/(n*step) <= 6 {
			step *= n
			break
		}
	}
	for v := 0.; v <= top; v += step {
		all = append(all, v)
	}
	return all
}
