package shared

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"mrrun/internal/shm"
)

// helperVariable, if set, starts the test binary as a helper: "NAME TAG UNIT GENERATION TABLE".
const helperVariable = "SHARED_TEST_HELPER"

func TestMain(m *testing.M) {
	if s := os.Getenv(helperVariable); s != "" {
		helper(s)
		return
	}
	os.Exit(m.Run())
}

func helper(s string) {
	var name string
	var tag shm.Tag
	var h shm.Handle
	if _, err := fmt.Sscan(s, &name, &tag, &h.Kind, &h.Unit, &h.Generation, &h.Table); err != nil {
		panic(err)
	}
	shm.Enter(3, tag)
	p, err := shm.Self()
	if err != nil {
		panic(err)
	}
	o, err := p.Table().Open(h, h.Kind)
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	switch name {
	case "count":
		countForEver(member{p, o}.lock())
	case "laps":
		lapsForEver(p, o)
	case "share":
		share(member{p, o}.lock())
	case "hold":
		if err := (member{p, o}).lock().Lock(context.Background()); err != nil {
			panic(err)
		}
		fmt.Println("held")
		time.Sleep(time.Hour)
	default:
		helpers[name](member{p, o})
	}
}

// helpers holds further helpers, which are next to their tests.
var helpers = map[string]func(member){}

// startHelper starts a helper that has an object, and returns when the helper has mapped the table.
func startHelper(tb testing.TB, name string, o shm.Object) (*exec.Cmd, shm.Tag, func() string) {
	tb.Helper()
	p, err := shm.Self()
	if err != nil {
		tb.Fatal(err)
	}
	tag, err := p.Reserve()
	if err != nil {
		tb.Fatal(err)
	}
	h := o.Handle()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"="+fmt.Sprint(name, " ", tag, h.Kind, h.Unit, h.Generation, h.Table))
	cmd.ExtraFiles = []*os.File{p.Table().File()}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		tb.Fatal(err)
	}
	line := func() string {
		var s string
		if _, err := fmt.Fscanln(out, &s); err != nil {
			tb.Errorf("helper %d: %v", cmd.Process.Pid, err)
		}
		return s
	}
	if s := line(); s != "ready" {
		tb.Fatalf("helper says %q", s)
	}
	return cmd, tag, line
}

// countForEver changes two counters together, in the cold words of the lock's object. A process
// that is killed between them leaves them unequal, and the next holder repairs that.
func countForEver(l *Lock) {
	a, b, deaths := l.o.Cold(0), l.o.Cold(1), l.o.Cold(2)
	for {
		err := l.Lock(context.Background())
		switch {
		case errors.Is(err, ErrOwnerDied):
			deaths.Add(1)
			if n := a.Load(); n != b.Load() {
				b.Store(n)
			}
			l.MarkConsistent()
		case err != nil:
			panic(err)
		}
		n := a.Load()
		if b.Load() != n {
			panic("two processes hold the lock, or a death was not reported")
		}
		a.Store(n + 1)
		for range 100 {
			if a.Load() != n+1 {
				panic("two processes hold the lock")
			}
		}
		b.Store(n + 1)
		l.Unlock()
	}
}

// share counts its own turns in a cold word of the lock's object; the last such word counts the
// processes that take part.
func share(l *Lock) {
	mine := l.o.Cold(int(l.o.Cold(4).Add(1) - 1))
	for {
		if err := l.Lock(context.Background()); errors.Is(err, ErrOwnerDied) {
			l.MarkConsistent()
		}
		mine.Add(1)
		busy(250 * time.Nanosecond)
		l.Unlock()
		busy(25 * time.Nanosecond)
	}
}

func busy(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
	}
}
