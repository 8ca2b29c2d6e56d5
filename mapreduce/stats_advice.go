package mapreduce

import (
	"fmt"
	"time"
)

// Shares of the workers' time from which on something is worth changing.
const (
	muchStart  = 0.30
	muchWait   = 0.25
	muchEncode = 0.20
	muchExit   = 0.20
)

// Advice returns a sentence that says what the workers spent their time on, and what to change so
// that the same work takes less time.
func (s Stats) Advice() string {
	t := s.Times
	switch share := t.shareOf; {
	case s.Done == 0 || t.Total() <= 0:
		return "No item was done."
	case share(t.Init) >= muchStart:
		return fmt.Sprintf("Initializers took %s of the workers' time: let them do less, or give the pool more work, or fewer workers.", percent(share(t.Init)))
	case share(t.Start+t.Init) >= muchStart:
		return fmt.Sprintf("Starting workers took %s of their time: the work is too short for them; give the pool more of it, or fewer workers.", percent(share(t.Start+t.Init)))
	case share(t.Wait) >= muchWait && s.boundByOne():
		return fmt.Sprintf("%s took %v of %v, and other workers waited for it: cut it into smaller ones.", s.Slowest[0], brief3(s.Slowest[0].whole()), brief3(s.Elapsed))
	case share(t.Wait) >= muchWait:
		return fmt.Sprintf("Workers waited %s of their time for items: what makes the items, or takes their results, is too slow for them; speed it up, or use fewer workers.", percent(share(t.Wait)))
	case share(t.Encode) >= muchEncode:
		return fmt.Sprintf("Encoding arguments and results took %s of the workers' time: send less, such as the name of a file instead of its contents, or share memory.", percent(share(t.Encode)))
	case share(t.Exit) >= muchExit:
		return fmt.Sprintf("Ending took %s of the workers' time: look at what their exit functions do.", percent(share(t.Exit)))
	}
	return fmt.Sprintf("Nothing to change: workers were at work %s of their time.", percent(t.shareOf(t.Work)))
}

// shareOf returns a part of the time as a share of all of it, from 0 to 1.
func (t Times) shareOf(part time.Duration) float64 { return float64(part) / float64(max(t.Total(), 1)) }

// boundByOne reports whether the slowest chunk took most of the time.
func (s Stats) boundByOne() bool {
	return len(s.Slowest) > 0 && s.Done > 1 && 2*s.Slowest[0].whole() > s.Elapsed
}

// whole returns how long all items of the chunk took.
func (i SlowItem) whole() time.Duration { return i.Each * time.Duration(i.Last-i.First+1) }

// String names the item, or the items of the chunk.
func (i SlowItem) String() string {
	text := fmt.Sprintf("Item %d", i.First)
	if i.Last > i.First {
		text = fmt.Sprintf("Items %d to %d together", i.First, i.Last)
	}
	if i.Key != "" {
		text += " (" + i.Key + ")"
	}
	return text
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// brief3 rounds a time to about three digits.
func brief3(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d >= 1000*unit {
		unit *= 10
	}
	return d.Round(unit)
}
