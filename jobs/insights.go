package jobs

import (
	"fmt"
	"strings"
	"time"

	"mrrun/internal/plain"
	"mrrun/mapreduce"
)

// Insights say where the time of a run went, for JSON.
type insights struct {
	Times   times         `json:"times"` // of all workers together
	Workers []workerTimes `json:"workers"`
	Slowest []slowPiece   `json:"slowest,omitempty"`
	Advice  string        `json:"advice"`
}

// Times are in seconds; see [mapreduce.Times].
type times struct {
	Start  float64 `json:"start"`
	Init   float64 `json:"init"`
	Wait   float64 `json:"wait"`
	Work   float64 `json:"work"`
	Encode float64 `json:"encode"`
	Exit   float64 `json:"exit"`
}

type workerTimes struct {
	Worker int   `json:"worker"`
	PID    int   `json:"pid"`
	Pieces int   `json:"pieces"`
	MaxRSS int64 `json:"max_rss,omitempty"` // bytes
	times
}

type slowPiece struct {
	Task    string  `json:"task"`
	First   int     `json:"first"` // counted from 1
	Last    int     `json:"last"`
	Key     string  `json:"key,omitempty"`
	Seconds float64 `json:"seconds"` // each
}

func newTimes(t mapreduce.Times) times {
	return times{t.Start.Seconds(), t.Init.Seconds(), t.Wait.Seconds(), t.Work.Seconds(), t.Encode.Seconds(), t.Exit.Seconds()}
}

// insights returns where the time of the run went.
func (r *Run) insights() insights {
	in := insights{Times: newTimes(r.Numbers.Times), Workers: []workerTimes{}, Advice: r.advice()}
	for _, w := range r.Numbers.Workers {
		in.Workers = append(in.Workers, workerTimes{w.ID, w.PID, w.Items, w.Memory, newTimes(w.Times)})
	}
	for _, s := range r.Numbers.Slowest {
		slow := slowPiece{s.Task, s.First + 1, s.Last + 1, Text(s.Key), s.Each.Seconds()}
		if isPiece(s) {
			slow.First, slow.Last = r.number(s.First), r.number(s.Last)
		}
		in.Slowest = append(in.Slowest, slow)
	}
	return in
}

// advice is a sentence that says what to change, in which pieces have their numbers.
func (r *Run) advice() string {
	advice := r.Numbers.Advice()
	if len(r.Numbers.Slowest) == 0 || !isPiece(r.Numbers.Slowest[0]) {
		return advice
	}
	slow := r.Numbers.Slowest[0]
	name := fmt.Sprintf("Piece %d", r.number(slow.First))
	if slow.Last > slow.First {
		name = fmt.Sprintf("Pieces %d to %d together", r.number(slow.First), r.number(slow.Last))
	}
	if slow.Key != "" {
		name += " (" + slow.Key + ")"
	}
	if rest, ok := strings.CutPrefix(advice, slow.String()); ok {
		return name + rest
	}
	return advice
}

// isPiece reports whether a slow item is a piece of the input, not of what is reduced.
func isPiece(s mapreduce.SlowItem) bool { return !strings.HasSuffix(s.Task, " (reduce)") }

func (r *Run) number(index int) int {
	if r.engine == nil {
		return index + 1
	}
	return r.engine.number(index)
}

// closing is one line about the whole run.
func (r *Run) closing() string {
	t := r.Numbers.Times
	text := fmt.Sprintf("%s in %s (%s), %s %.0f %% at work", count(r.Pieces, "piece"), seconds(time.Duration(r.Seconds*float64(time.Second))),
		perSecond(float64(r.Pieces)/r.Seconds), count(r.Procs, "worker"), percentOf(t.Work+t.Encode, t.Total()))
	if r.Lost > 0 {
		text += fmt.Sprintf(", %s lost, %s tried again", count(r.Lost, "worker"), count(r.Retried, "piece"))
	}
	if n := len(r.Failed); n > 0 {
		text += fmt.Sprintf(", %s failed", count(n, "piece"))
	}
	if advice := r.advice(); !strings.HasPrefix(advice, "Nothing to change") {
		text += ". " + advice
	}
	return plain.Text(text)
}
