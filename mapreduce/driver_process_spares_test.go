//go:build linux

package mapreduce

import (
	"context"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// spares waits until n processes are ready, and returns their process IDs.
func spares(t *testing.T, n int) (pids []int) {
	t.Helper()
	s := spareProcesses
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.starting > 0 {
		s.changed.Wait()
	}
	for _, l := range s.ready {
		pids = append(pids, l.process.PID())
	}
	if len(pids) != n {
		t.Errorf("%d processes are ready, want %d", len(pids), n)
	}
	return pids
}

func TestSpareProcesses(t *testing.T) {
	checkLeaks(t)
	t.Cleanup(spareProcesses.endAll)
	first := startDeed(t, "", Spares(2))
	if _, err := first.Wait(); err != nil {
		t.Error(err)
	}
	ready := spares(t, 2)
	second := startDeed(t, "", Spares(2))
	if second.PID() != ready[0] {
		t.Errorf("process %d runs, while %d was ready", second.PID(), ready[0])
	}
	if _, err := second.Wait(); err != nil {
		t.Error(err)
	}
	if name := second.Name(); !strings.HasPrefix(name, "Process-") {
		t.Errorf("its name is %q", name)
	}
	last := startDeed(t, "", Spares(0))
	if last.PID() != ready[1] {
		t.Errorf("process %d runs, while %d was ready", last.PID(), ready[1])
	}
	if _, err := last.Wait(); err != nil {
		t.Error(err)
	}
	spares(t, 0)
	named := startDeed(t, "exit", Spares(2), Name("third"))
	if _, err := named.Wait(); err == nil || !strings.Contains(err.Error(), "process third ") {
		t.Errorf("one that dies: %v", err)
	}
	if got := spares(t, 2); slices.Contains(got, second.PID()) || slices.Contains(got, named.PID()) {
		t.Errorf("%v are ready, which have run", got)
	}
}

// A spare that died while it was ready is not used.
func TestSpareProcessKilled(t *testing.T) {
	checkLeaks(t)
	t.Cleanup(spareProcesses.endAll)
	if _, err := startDeed(t, "", Spares(1)).Wait(); err != nil {
		t.Error(err)
	}
	ready := spares(t, 1)
	if err := syscall.Kill(ready[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-spareProcesses.ready[0].process.Done()
	p := startDeed(t, "", Spares(1))
	if _, err := p.Wait(); err != nil || p.PID() == ready[0] {
		t.Errorf("process %d: %v", p.PID(), err)
	}
}

// A spare with other limits or another environment is not used.
func TestSpareProcessesOfOneKind(t *testing.T) {
	checkLeaks(t)
	t.Cleanup(spareProcesses.endAll)
	if _, err := startDeed(t, "", Spares(1)).Wait(); err != nil {
		t.Error(err)
	}
	before := spares(t, 1)
	p, err := deedTask.Start(t.Context(), deed{N: 7, Do: "", Times: 1}, silent(), Spares(1), Nice(5))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(); err != nil || p.PID() == before[0] {
		t.Errorf("process %d: %v", p.PID(), err)
	}
	after := spares(t, 1)
	if after[0] == before[0] {
		t.Errorf("process %d is ready still", before[0])
	}
	eventually(t, deathTime, func() error {
		return unexpected("child process", children(os.Getpid()), []string{describe(after[0])})
	})
}

// The context given to Start counts, not that with which the spare was started.
func TestSpareProcessHasItsOwnContext(t *testing.T) {
	checkLeaks(t)
	t.Cleanup(spareProcesses.endAll)
	ctx, cancel := context.WithCancel(t.Context())
	p := startCling(t, ctx, "stays", Spares(1))
	spares(t, 1)
	cancel()
	if _, err := p.Wait(); err != context.Canceled {
		t.Errorf("got %v", err)
	}
	other, stop := context.WithCancel(t.Context())
	q := startCling(t, other, "heeds", Spares(1))
	stop()
	if got, err := q.Wait(); err != context.Canceled {
		t.Errorf("got %q, %v", got, err)
	}
}
