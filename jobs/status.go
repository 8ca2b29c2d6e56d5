package jobs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"mrrun/mapreduce"
)

// shownWorkers is how many workers have a line of their own.
const shownWorkers = 4

// A piece is slow if it runs so many times as long as the median of those that are done, and at
// least for slowFrom.
const (
	slowTimes = 10
	slowFrom  = 2 * time.Second
)

// A status is what the status area shows.
type status struct {
	job string
	progress
	numbers mapreduce.Stats
	left    time.Duration // until the last piece is done; 0: not known
	piece   func(index int) int
	colours bool
	asLine  bool // for a log: no name, as the line begins with it, and no bar
}

// A part of a line can be left out where there is no room for it.
type part struct {
	text string
	rank int // those with the highest rank are left out first; 0: never
}

// fitted joins the parts for which there is room in so many columns.
func fitted(columns int, parts []part) string {
	parts = slices.DeleteFunc(parts, func(p part) bool { return p.text == "" })
	for {
		texts := make([]string, len(parts))
		worst := 0
		for i, p := range parts {
			texts[i] = p.text
			if p.rank > parts[worst].rank {
				worst = i
			}
		}
		line := strings.Join(texts, "  ")
		if textWidth(line) <= columns || parts[worst].rank == 0 {
			return cut(line, columns)
		}
		parts = slices.Delete(parts, worst, worst+1)
	}
}

// lines returns the area for a terminal of so many columns and rows.
func (s *status) lines(columns, rows int) []string {
	columns = max(columns-1, 1) // a full line would break
	lines := []string{s.head(columns), s.sums(columns)}
	busy := slices.DeleteFunc(slices.Clone(s.numbers.Workers), func(w mapreduce.WorkerStats) bool { return w.Task == "" })
	slices.SortStableFunc(busy, func(a, b mapreduce.WorkerStats) int { return cmp.Compare(b.For, a.For) })
	for _, w := range busy[:min(len(busy), shownWorkers)] {
		lines = append(lines, s.worker(w, columns))
	}
	if more := len(busy) - shownWorkers; more > 0 {
		lines = append(lines, cut(fmt.Sprintf("  and %d more", more), columns))
	}
	return lines[:max(min(len(lines), rows-1), 1)]
}

// head says how far the run is.
func (s *status) head(columns int) string {
	job, time := s.job, clock(s.passed)
	if s.asLine {
		job = ""
	}
	switch {
	case s.step != "":
		done := fmt.Sprintf("%d pieces done", s.done)
		if s.total > 0 && s.done >= s.total {
			done = "all " + done
		}
		step := s.step
		if s.rest > 0 {
			step += fmt.Sprintf(" (%d)", s.rest)
		}
		return fitted(columns, []part{{job, 3}, {done, 2}, {step, 0}, {time, 1}})
	case s.total == 0:
		return fitted(columns, []part{{job, 2}, {fmt.Sprintf("%d pieces", s.done), 0}, {s.rate(), 3}, {time, 1}})
	}
	share := float64(s.done) / float64(s.total)
	width := barWidth(columns)
	if s.asLine {
		width = 0
	}
	parts := []part{{job, 2}, {bar(share, width), 3}, {fmt.Sprintf("%3.0f %%", 100*share), 0},
		{fmt.Sprintf("%d of %d pieces", s.done, s.total), 4}, {s.rate(), 5}, {time + s.about(), 1}}
	return s.coloured(fitted(columns, parts))
}

func (s *status) rate() string {
	if s.passed < time.Second || s.done == 0 {
		return ""
	}
	return perSecond(float64(s.done) / s.passed.Seconds())
}

func (s *status) about() string {
	if s.left <= 0 || s.left > 99*time.Hour {
		return ""
	}
	return ", about " + clock(s.left) + " left"
}

// sums says what all workers do.
func (s *status) sums(columns int) string {
	t := s.numbers.Times
	var memory int64
	for _, w := range s.numbers.Workers {
		memory += w.Memory
	}
	parts := []part{{count(len(s.numbers.Workers), "worker"), 0}}
	if ran := t.Total(); ran > 0 {
		parts = append(parts, part{fmt.Sprintf("work %.0f %%", percentOf(t.Work+t.Encode, ran)), 2}, part{fmt.Sprintf("wait %.0f %%", percentOf(t.Wait, ran)), 4})
	}
	if s.numbers.Lost > 0 {
		parts = append(parts, part{fmt.Sprintf("%d lost", s.numbers.Lost), 1}, part{fmt.Sprintf("%d tried again", s.numbers.Retried), 3})
	}
	if s.failed > 0 {
		parts = append(parts, part{fmt.Sprintf("%d failed", s.failed), 1})
	}
	return fitted(columns, append(parts, part{bytesText(memory), 5}))
}

// worker says what one worker does.
func (s *status) worker(w mapreduce.WorkerStats, columns int) string {
	what := "reducing"
	if s.step != "reducing" {
		what = fmt.Sprintf("piece %d", s.piece(w.Item))
	}
	parts := []part{{fmt.Sprintf("%3d", w.ID), 2}, {fmt.Sprintf("pid %d", w.PID), 4}, {what, 0}, {seconds(w.For), 0}, {bytesText(w.Memory), 3}}
	if w.ItemTotal > 0 {
		parts = append(parts, part{fmt.Sprintf("%.0f %%", min(100*float64(w.ItemDone)/float64(w.ItemTotal), 100)), 1})
	} else if w.ItemDone > 0 {
		parts = append(parts, part{fmt.Sprint(w.ItemDone), 1})
	}
	if !s.slow(w) {
		return fitted(columns, parts)
	}
	mark := "SLOW"
	if columns < 30 {
		mark = "!"
	}
	line := fitted(columns-textWidth(mark)-1, append(parts, part{"the median is " + short(s.median), 5}))
	if s.colours {
		return "\x1b[33m" + mark + "\x1b[0m " + line
	}
	return mark + " " + line
}

// slow reports whether the worker's piece runs far longer than others.
func (s *status) slow(w mapreduce.WorkerStats) bool {
	return s.step == "" && s.median > 0 && w.For >= slowFrom && w.For >= slowTimes*s.median
}

func (s *status) coloured(line string) string {
	first, last := strings.Index(line, "━"), strings.LastIndex(line, "━")
	if !s.colours || first < 0 {
		return line
	}
	last += len("━")
	return line[:first] + "\x1b[32m" + line[first:last] + "\x1b[0m" + line[last:]
}

// barWidth returns how long the bar is on a line of so many columns.
func barWidth(columns int) int { return min(columns/5, 40) }

func bar(share float64, width int) string {
	full := min(int(share*float64(width)+0.5), width)
	return strings.Repeat("━", full) + strings.Repeat("─", width-full)
}

func percentOf(part, of time.Duration) float64 { return 100 * float64(part) / float64(max(of, 1)) }

// clock shows a time as a clock does: 0:07, 12:30, 3:00:00.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// seconds shows a short time in tenths of a second, and a long one as a clock does.
func seconds(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return clock(d)
}

// short shows a time that may be far below a second.
func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.3g ms", d.Seconds()*1000)
	}
	return seconds(d)
}

func perSecond(rate float64) string {
	if rate < 10 {
		return fmt.Sprintf("%.1f/s", rate)
	}
	return fmt.Sprintf("%.0f/s", rate)
}

func bytesText(n int64) string {
	switch {
	case n <= 0:
		return ""
	case n < 10<<30:
		return fmt.Sprintf("%d MiB", (n+1<<19)>>20)
	}
	return fmt.Sprintf("%d GiB", (n+1<<29)>>30)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
