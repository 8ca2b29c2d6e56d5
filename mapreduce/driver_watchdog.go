package mapreduce

import (
	"time"

	"mrrun/mapreduce/internal/proc"
)

// maxTick is the longest time between two looks at the items that workers run and at their memory.
const maxTick = 100 * time.Millisecond

// A watch looks from time to time at the items that workers run. It ends items that run for too
// long, and logs about others that may never end. It ticks only while there is something to look
// for.
type watch struct {
	timer  *time.Timer
	every  time.Duration       // 0: it does not tick
	growth bool                // it looks at memory too
	busy   bool                // calls are under way
	timed  map[*call]bool      // calls with a timeout
	given  map[*call]time.Time // calls that are over but at workers still, since when
	items  []watched           // by place
}

// watched is what a worker was running at the last look.
type watched struct {
	link *link
	tag  uint32
	item int // its offset in the chunk
	time itemTime
	base int64 // resident memory at the first look

	alarms alarms
}

func (w *watch) init(s *supervisor) {
	w.timed, w.given = make(map[*call]bool), make(map[*call]time.Time)
	w.growth = s.options.maxGrowth > 0
	w.timer = time.AfterFunc(time.Hour, func() { s.inbox.put(event{kind: evLook}) })
	w.timer.Stop()
	w.adjust()
}

func (w *watch) stop() { w.timer.Stop() }

func (w *watch) begin(c *call) {
	if c.options.timeout > 0 {
		w.timed[c] = true
	} else if w.busy {
		return
	}
	w.busy = true
	w.adjust()
}

// over records that the results of what workers still hold of the call are useless.
func (w *watch) over(c *call) {
	if c.state.Held() {
		w.given[c] = time.Now()
		w.adjust()
	}
}

// adjust chooses how often to look.
func (w *watch) adjust() {
	every := time.Duration(0)
	atLeast := func(d time.Duration) {
		if every == 0 || d < every {
			every = d
		}
	}
	if w.busy {
		atLeast(alarmTick)
	}
	if w.growth {
		atLeast(maxTick)
	}
	for c := range w.timed {
		atLeast(lookTick(c.options.timeout))
	}
	if len(w.given) > 0 {
		atLeast(KillGrace / 10)
	}
	if every != w.every {
		w.every = every
		w.rearm()
	}
}

func (w *watch) rearm() {
	if w.every > 0 {
		w.timer.Reset(w.every)
	} else {
		w.timer.Stop()
	}
}

// look runs at each tick of the watch.
func (s *supervisor) look() {
	w := &s.watch
	now := time.Now()
	for place, l := range s.links {
		if l == nil || !l.ready {
			continue
		}
		for len(w.items) <= place {
			w.items = append(w.items, watched{})
		}
		seen := &w.items[place]
		tag, item, busy := l.process.Note.Busy()
		if seen.link != l {
			*seen = watched{link: l, alarms: alarms{at: now}}
		}
		if !busy || seen.tag != tag || seen.item != item {
			seen.tag, seen.item, seen.time = tag, item, newItemTime(l, now)
			seen.alarms.toldSlow = false
		}
		seen.time.look(l, now, w.every)
		if l.holds() {
			s.lookForAlarm(l, seen, now, busy)
		}
		if busy {
			s.lookAtItem(l, seen, now)
		}
		if w.growth {
			s.lookAtMemory(l, seen)
		}
	}
	for c := range w.timed {
		if c.state.Finished() {
			delete(w.timed, c)
		}
	}
	for c := range w.given {
		if !c.state.Held() {
			delete(w.given, c)
		}
	}
	w.busy = len(s.calls) > 0
	w.adjust()
	w.rearm()
}

func (s *supervisor) lookAtMemory(l *link, seen *watched) {
	if !l.answers {
		return
	}
	rss := proc.RSS(l.process.PID())
	if seen.base == 0 {
		seen.base = rss
	} else if rss-seen.base > s.options.maxGrowth {
		s.scheduler.Drain(l.place)
		s.act()
	}
}
