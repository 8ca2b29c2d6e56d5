//go:build linux

package mapreduce

import (
	"fmt"
	"syscall"
	"testing"
)

// A launch is a way to start a driver. It decides which process adopts the driver's orphans, and
// what the kernel does about them.
type launch struct {
	name     string
	scenario string
	wrapper  []string
	setsid   bool
	helpers  int // processes between the test and the driver
}

var launches = []launch{
	{name: "plain", scenario: "work"},
	{name: "setsid", scenario: "work", setsid: true},
	{name: "nohup", scenario: "work", wrapper: []string{"sh", "-c", `trap "" HUP; exec "$0"`}},
	{name: "subreaper", scenario: "subreaper", helpers: 1},
}

func (l *launch) start(t *testing.T, env ...string) (p *program, driver int) {
	cmd := thisBinary(l.wrapper)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: l.setsid}
	p = start(t, l.scenario, cmd, env...)
	return p, p.awaitPID("driver", 1)[0]
}

// A state is what the processes below a driver are doing when it ends.
type state struct {
	name     string
	do       string
	child    string
	workers  int // workers that must report it
	children int
	idle     bool // then the task ends
	suspend  bool // then the workers are suspended
}

var states = []state{
	{name: "idle", do: "wait", workers: 2, idle: true},
	{name: "idle, stopped", do: "wait", workers: 2, idle: true, suspend: true},
	{name: "busy", do: "busy", workers: 2},
	{name: "busy, stopped", do: "busy", workers: 2, suspend: true},
	{name: "sleep", do: "sleep", workers: 2},
	{name: "before Init", do: "hang before Init", workers: 2},
	{name: "before Init, stopped", do: "hang before Init", workers: 2, suspend: true},
	{name: "child", do: "sleep", child: "runs", workers: 2, children: 2},
	{name: "child of an idle one", do: "wait", child: "runs", workers: 2, children: 2, idle: true},
	{name: "child stopped", do: "busy", child: "stopped", workers: 2, children: 2},
	{name: "child and worker stopped", do: "sleep", child: "stopped", workers: 2, children: 2, suspend: true},
	{name: "nested", do: "nested", child: "runs", workers: 4, children: 4},
	{name: "nested, stopped", do: "nested", child: "runs", workers: 4, children: 4, suspend: true},
}

func (s *state) environment() []string {
	return []string{doVariable + "=" + s.do, childVariable + "=" + s.child, itemsVariable + "=2"}
}

// reach waits until the program is in the state.
func (s *state) reach(p *program, others int) {
	p.t.Helper()
	workers := p.awaitPID("worker", s.workers)
	if s.idle {
		fmt.Fprintln(p.in, "cancel")
		p.await("over", 1)
	}
	if s.suspend {
		suspend(p.t, workers...)
	}
	eventually(p.t, hangTime, func() error { // a process that was just started does not show its environment yet
		if alive := p.family(); len(alive) != others+s.workers+s.children {
			return fmt.Errorf("%d processes, want %d and %d workers and %d children", len(alive), others, s.workers, s.children)
		}
		return nil
	})
}
