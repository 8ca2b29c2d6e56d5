//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
)

func TestProcessKill(t *testing.T) {
	checkLeaks(t)
	p := startCling(t, t.Context(), "stays")
	if code, ended := p.ExitCode(); ended || !p.Alive() || p.Err() != nil {
		t.Errorf("before its end: %d, %t", code, ended)
	}
	if err := p.Kill(); err != nil {
		t.Error(err)
	}
	_, err := p.Wait()
	if died, ok := errors.AsType[*ExitError](err); !ok || died.Signal != syscall.SIGKILL || died.Code != -9 {
		t.Error(err)
	}
}

// Terminate gives a task that heeds its context time to tidy up, and ends any other.
func TestProcessTerminate(t *testing.T) {
	checkLeaks(t)
	for _, how := range []string{"heeds", "fails", "stays", "heeds suspended"} {
		t.Run(how, func(t *testing.T) {
			word, suspended := strings.CutSuffix(how, " suspended")
			p := startCling(t, t.Context(), word)
			if suspended {
				suspendProcess(t, p)
			}
			if err := errors.Join(p.Terminate(), p.Terminate()); err != nil {
				t.Error(err)
			}
			got, err := p.Wait()
			code, _ := p.ExitCode()
			switch how {
			case "heeds":
				if got != "tidied up: it was terminated" || err != nil || code != 0 {
					t.Errorf("%q, %v, exit code %d", got, err, code)
				}
			case "fails":
				if _, ok := errors.AsType[*TaskError](err); !ok || !errors.Is(err, context.Canceled) || code != 1 {
					t.Errorf("%v, exit code %d", err, code)
				}
			default:
				want := syscall.SIGTERM
				if suspended {
					want = syscall.SIGKILL
				}
				if died, ok := errors.AsType[*ExitError](err); !ok || died.Signal != want || code != -int(want) || !errors.Is(err, errEnded) {
					t.Errorf("%v, exit code %d", err, code)
				}
			}
		})
	}
}

// A process whose context ends is terminated, whether or not it has come up, and Wait returns the
// cause.
func TestProcessContext(t *testing.T) {
	checkLeaks(t)
	cause := errors.New("enough")
	for _, how := range []string{"heeds", "stays"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		p := startCling(t, ctx, how)
		cancel(cause)
		if _, err := p.Wait(); err != cause {
			t.Errorf("%s: %v", how, err)
		}
	}
	for range 5 {
		ctx, cancel := context.WithCancelCause(t.Context())
		p, err := deedTask.Start(ctx, deed{Do: "hang", Times: 1}, silent())
		if err != nil {
			t.Fatal(err)
		}
		cancel(cause)
		if _, err := p.Wait(); err != cause {
			t.Error(err)
		}
	}
}

func TestProcessSignal(t *testing.T) {
	checkLeaks(t)
	p := startCling(t, t.Context(), "signal")
	if err := p.Signal(syscall.SIGUSR1); err != nil {
		t.Error(err)
	}
	if got, err := p.Wait(); err != nil || got != syscall.SIGUSR1.String() {
		t.Errorf("%q, %v", got, err)
	}
}

// suspendProcess suspends the process and waits until it has stopped.
func suspendProcess(t *testing.T, p *Process[string]) {
	t.Helper()
	if err := p.Suspend(); err != nil {
		t.Fatal(err)
	}
	eventually(t, deathTime, func() error {
		if state, _ := status(p.PID()); state != 'T' {
			return errors.New("not suspended: " + describe(p.PID()))
		}
		return nil
	})
}

func TestProcessSuspend(t *testing.T) {
	checkLeaks(t)
	p := startCling(t, t.Context(), "signal")
	suspendProcess(t, p)
	_ = p.Signal(syscall.SIGUSR1)
	if !p.Alive() {
		t.Error("it is not alive")
	}
	if err := p.Resume(); err != nil {
		t.Error(err)
	}
	if got, err := p.Wait(); err != nil || got != syscall.SIGUSR1.String() {
		t.Errorf("%q, %v", got, err)
	}
}

// A process that is killed before it reaches its task died like any other.
func TestProcessKillEarly(t *testing.T) {
	checkLeaks(t)
	for _, end := range []func(*Process[trace]) error{
		func(p *Process[trace]) error { return p.Kill() },
		func(p *Process[trace]) error { return p.Terminate() },
		func(p *Process[trace]) error { return p.Signal(syscall.SIGKILL) },
	} {
		for range 5 {
			p := startDeed(t, "hang")
			if err := end(p); err != nil {
				t.Error(err)
			}
			_, err := p.Wait()
			if died, ok := errors.AsType[*ExitError](err); !ok || died.Signal == 0 {
				t.Error(err)
			}
		}
	}
}
