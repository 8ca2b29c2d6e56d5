package jobs

import (
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"mrrun/mapreduce"
)

// A cluster stands for another engine.
type cluster struct {
	mu      sync.Mutex
	numbers mapreduce.Stats
}

func (c *cluster) Stats() mapreduce.Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.numbers
}

// Another engine than a pool can be shown: it tells the observer what happens, and has numbers.
func TestDisplayOfAnotherEngine(t *testing.T) {
	m := openTerminal(t, 80, 24)
	w := newWatch(4, func(i int) int { return i + 1 })
	engine := &cluster{numbers: mapreduce.Stats{Workers: []mapreduce.WorkerStats{{ID: 7, PID: 4711, Task: "count", Item: 2, For: 61 * time.Second}}}}
	var observer mapreduce.Observer = w
	observer.Begin(mapreduce.Chunk{Call: 1, First: 0, Last: 1, Worker: 7})
	observer.End(mapreduce.Chunk{Call: 1, First: 0, Last: 1, Worker: 7}, mapreduce.Outcome{Work: time.Second})
	d := newDisplay("far", &screen{out: m.slave, live: true}, 0)
	d.delay = time.Millisecond
	d.start(w, engine)
	m.await(t, "far", "50 %  2 of 4 pieces", "SLOW   7  pid 4711  piece 3  1:01")
	observer.Worker(mapreduce.WorkerChange{State: mapreduce.WorkerEnded, ID: 7, PID: 4711, Call: 1, Again: true, Lost: &mapreduce.WorkerLostError{Index: 2, ExitCode: 3}})
	m.await(t, "mrrun: piece 3: worker 7 exit status 3 (pid 4711); it is tried again")
	observer.End(mapreduce.Chunk{Call: 1, First: 2, Last: 3, Worker: 8}, mapreduce.Outcome{Work: time.Second})
	m.await(t, "far  all 4 pieces done  taking the last results  0:0")
	observer.Begin(mapreduce.Chunk{Call: 2, Task: "job far (reduce)"})
	m.await(t, "reducing")
	w.setStep("digits")
	m.await(t, "far  all 4 pieces done  digits")
	d.stop()
	m.awaitText(t, "mrrun: piece 3: worker 7 exit status 3 (pid 4711); it is tried again")
}

// From half way on, the estimate is right to a fifth if the pieces are alike, and it stays calm.
func TestEstimate(t *testing.T) {
	for _, each := range []time.Duration{10 * time.Millisecond, 700 * time.Millisecond} {
		const total = 200
		var e estimate
		all := total * each
		for passed := time.Duration(0); passed < all; passed += 100 * time.Millisecond {
			done := math.Floor(float64(passed) / float64(each))
			left := e.left(passed, done, total)
			if passed < all/2 {
				continue
			}
			if wrong := (left - (all - passed)).Abs(); wrong > all/5 || left < 0 {
				t.Errorf("%v each, %v passed: %v left, not %v", each, passed, left, all-passed)
			}
		}
	}
	var e estimate
	if left := e.left(time.Second, 1, 1000); left != 0 {
		t.Errorf("an estimate of %v from one piece", left)
	}
}

// The words of an error, too, are shown as they are; and without colours if NO_COLOR is set.
func TestErrorOnTerminal(t *testing.T) {
	for _, noColor := range []string{"", "1"} {
		m := openTerminal(t, 100, 24)
		cmd := playCommand(t, "--pieces 4 --sleep 400ms --procs 1 --do 4=bad\x1b[2J", "NO_COLOR="+noColor)
		cmd.Stdout, cmd.Stderr = m.slave, m.slave
		_ = cmd.Run()
		m.await(t, `play: piece 4 of 4 failed: I cannot do "bad\x1b[2J"`)
		if coloured := strings.Contains(m.written(), "\x1b[32m"); coloured == (noColor != "") {
			t.Errorf("NO_COLOR=%s: coloured %v", noColor, coloured)
		}
	}
}

func TestWidth(t *testing.T) {
	if w := textWidth("日本e\u0301 \x1b[33mSLOW\x1b[0m"); w != 4+1+1+4 {
		t.Errorf("width %d", w)
	}
	if got := cut("日本語", 5); got != "日本…" {
		t.Errorf("cut: %q", got)
	}
}
