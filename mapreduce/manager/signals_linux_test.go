package manager

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
)

// A manager's process runs until its driver ends it, even if all processes of the program get
// signals.
func TestManagerLeavesSignalsToItsDriver(t *testing.T) {
	ctx := within(t)
	m := must1(Start(ctx))
	defer m.Close()
	v := must1(NewValue(ctx, m, 7))
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		check(t, syscall.Kill(m.PID(), s))
		for signalsWait(m.PID()) {
			time.Sleep(time.Millisecond)
		}
		if got, err := v.Load(ctx); got != 7 || err != nil {
			t.Fatalf("after %v: %v, %v", s, got, err)
		}
	}
}

// signalsWait reports whether signals for a process were not delivered yet.
func signalsWait(pid int) bool {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, pending, ok := bytes.Cut(status, []byte("ShdPnd:\t"))
	return ok && !bytes.HasPrefix(pending, []byte("0000000000000000"))
}
