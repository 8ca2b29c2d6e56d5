//go:build interleave

package interleave

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"mrrun/internal/shm"
)

// A World is one run: some processes, and the choice made at each point that had several.
type World struct {
	Sim *shm.Simulation

	options Options
	choose  func(n, rare int) int // one of n common and some rare things; 0 is the dull choice
	procs   []*Proc
	current *Proc // whose goroutine runs; nil: that of the world
	last    *Proc // the process that ran last
	parked  chan struct{}
	died    []*Proc // for the reaper
	waited  map[*uint32]bool

	switches, kills, elapses, timeouts, steps int
	err                                       error
	trace                                     *strings.Builder
}

// A Proc is a simulated process.
type Proc struct {
	*shm.Process
	Name string

	world    *World
	resume   chan bool // false: die
	waiting  *uint32
	since    int // step at which it began to wait
	timedOut bool
	idle     bool // the process is a reaper without work
	dead     bool
	ended    bool
	onKill   func()
}

// Go adds a process that runs body. When the process is killed, onKill is called, which may look at
// the table.
func (w *World) Go(name string, body func(p *Proc), onKill func(p *Proc)) *Proc {
	process, err := w.Sim.Process()
	if err != nil {
		w.fail("%v", err)
		return nil
	}
	p := &Proc{Process: process, Name: name, world: w, resume: make(chan bool)}
	p.onKill = func() {
		if onKill != nil {
			onKill(p)
		}
	}
	w.procs = append(w.procs, p)
	go p.run(body)
	return p
}

func (p *Proc) run(body func(p *Proc)) {
	w := p.world
	defer func() {
		if r := recover(); r != nil {
			w.fail("%s: panic: %v", p.Name, r)
		}
		p.ended = true
		w.parked <- struct{}{}
	}()
	if !<-p.resume {
		p.dead = true
		return
	}
	body(p)
}

// Reaper adds a process that reaps each killed process, and then calls after unless it is nil.
func (w *World) Reaper(after func()) {
	p := w.Go("reaper", func(p *Proc) {
		for {
			p.idle = true
			p.park()
			g := w.died[0].Tag()
			w.died = w.died[1:]
			w.Sim.Table.Reap(g)
			if after != nil {
				after()
			}
		}
	}, nil)
	p.idle = true
}

// Fail ends the run because an invariant does not hold.
func (w *World) Fail(format string, args ...any) {
	w.fail(format, args...)
	runtime.Goexit()
}

func (w *World) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

// park gives control back to the world until the world resumes this process, if ever.
func (p *Proc) park() {
	if p.dead {
		runtime.Goexit()
	}
	p.world.parked <- struct{}{}
	if !<-p.resume {
		p.dead = true
		runtime.Goexit()
	}
}

// Step implements [shm.Scheduler].
func (w *World) Step() {
	if p := w.current; p != nil {
		p.park()
		w.note(p)
	}
}

// note records the source line of the operation that comes next.
func (w *World) note(p *Proc) {
	if w.trace == nil {
		return
	}
	var callers [12]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers[:])])
	for {
		f, more := frames.Next()
		file := f.File[strings.LastIndexByte(f.File, '/')+1:]
		if !more || file != "world.go" && file != "word.go" && file != "wait.go" && !strings.HasPrefix(file, "step_") {
			fmt.Fprintf(w.trace, "%s %s:%d\n", p.Name, file, f.Line)
			return
		}
	}
}

// Wait implements [shm.Scheduler].
func (w *World) Wait(at *uint32, expected uint32) (timedOut bool) {
	w.Step()
	if atomic.LoadUint32(at) != expected {
		return false
	}
	p := w.current
	w.waited[at] = true
	p.waiting, p.timedOut, p.since = at, false, w.steps
	p.park()
	return p.timedOut
}

// Wake implements [shm.Scheduler]. It wakes the processes in the order in which they began to wait,
// as the kernel does.
func (w *World) Wake(at *uint32, n int) (woken int) {
	if w.waited[at] || atomic.LoadUint32(at) != 0 { // otherwise no process could tell when
		w.Step()
	}
	for ; woken < n; woken++ {
		var first *Proc
		for _, p := range w.procs {
			if p.waiting == at && !p.dead && (first == nil || p.since < first.since) {
				first = p
			}
		}
		if first == nil {
			break
		}
		first.waiting = nil
	}
	return woken
}

// Elapsed implements [shm.Scheduler].
func (w *World) Elapsed() bool {
	if w.elapses >= w.options.Elapses || w.choose(2, 0) == 0 {
		return false
	}
	w.elapses++
	return true
}

// give lets one process run up to its next operation, or kills it.
func (w *World) give(p *Proc, live bool) {
	w.current = p
	p.resume <- live
	<-w.parked
	w.current = nil
	w.last = p
}

// run runs all processes to their ends.
func (w *World) run() {
	for w.err == nil && w.advance() {
		if w.steps++; w.steps > 20_000 {
			w.fail("no end after %d operations", w.steps)
		}
	}
	for _, p := range w.procs { // reapers, and all processes if something failed
		if !p.ended {
			w.give(p, false)
		}
	}
}

// advance makes one choice and reports whether there was one to make.
func (w *World) advance() bool {
	var can, blocked, killable []*Proc
	for _, p := range w.procs {
		switch {
		case p.ended:
			continue
		case p.waiting != nil:
			blocked = append(blocked, p)
		case p.idle && len(w.died) == 0:
			continue
		case p == w.last:
			can = slices.Insert(can, 0, p)
		default:
			can = append(can, p)
		}
		if p.Name != "reaper" || w.options.KillReaper {
			killable = append(killable, p)
		}
	}
	switch {
	case len(can) > 0:
	case len(blocked) == 0:
		return false
	case !w.mayTimeOut():
		w.fail("%d processes wait and nobody will wake them", len(blocked))
		return false
	default:
		if w.timeouts++; w.timeouts > 100 {
			w.fail("%d processes wait for ever, in spite of polling", len(blocked))
			return false
		}
		w.timeOut(blocked[w.choose(len(blocked), 0)])
		return true
	}
	n := len(can)
	if can[0] == w.last && w.switches >= w.options.Switches {
		n = 1
	}
	if w.kills >= w.options.Kills {
		killable = nil
	}
	if w.timeouts >= w.options.Timeouts || !w.mayTimeOut() {
		blocked = nil
	}
	c := w.choose(n, len(killable)+len(blocked))
	if rare := c - n; rare >= len(killable) {
		w.timeouts++
		w.timeOut(blocked[rare-len(killable)])
		return true
	} else if rare >= 0 {
		w.kill(killable[rare])
		return true
	}
	if c > 0 && can[0] == w.last {
		w.switches++
	}
	can[c].idle = false
	w.give(can[c], true)
	return true
}

func (w *World) timeOut(p *Proc) {
	p.waiting, p.timedOut = nil, true
	w.give(p, true)
}

func (w *World) kill(p *Proc) {
	w.kills++
	if w.trace != nil {
		fmt.Fprintf(w.trace, "%s is killed\n", p.Name)
	}
	w.Sim.Kill(p.Process)
	w.give(p, false)
	p.onKill()
	w.died = append(w.died, p)
}

// mayTimeOut reports whether only polling can help: a process has died and was not reaped yet.
func (w *World) mayTimeOut() bool {
	return slices.ContainsFunc(w.procs, func(p *Proc) bool { return p.dead && !w.Sim.Table.Reaped(p.Tag()) })
}
