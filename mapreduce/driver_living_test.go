//go:build linux

package mapreduce

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
)

func pidsOf(processes []AnyProcess) (pids []int) {
	for _, p := range processes {
		pids = append(pids, p.PID())
	}
	return pids
}

// Processes returns the live processes in the order in which they started, and no workers.
func TestProcesses(t *testing.T) {
	checkLeaks(t)
	newPool(t)
	if p, err := echo.Start(t.Context(), 1); err != nil {
		t.Fatal(err)
	} else if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if rest := Processes(); len(rest) > 0 {
		t.Errorf("%d processes are listed, and none was started", len(rest))
	}
	var want []int
	for i := range 3 {
		want = append(want, startCling(t, t.Context(), "clings", Name(fmt.Sprint("cling ", i))).PID())
	}
	listed := Processes()
	if got := pidsOf(listed); !slices.Equal(got, want) || listed[1].Name() != "cling 1" {
		t.Errorf("processes %v are listed, want %v", got, want)
	}
	if err := syscall.Kill(want[1], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-listed[1].Done()
	if got, want := pidsOf(Processes()), []int{want[0], want[2]}; !slices.Equal(got, want) {
		t.Errorf("after one was killed %v are listed, want %v", got, want)
	}
	for _, p := range Processes() {
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
		<-p.Done()
	}
	if rest := Processes(); len(rest) > 0 {
		t.Errorf("%d processes are listed after their end", len(rest))
	}
}
