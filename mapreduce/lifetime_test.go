//go:build linux

package mapreduce

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

func TestLifetimeDriverKilled(t *testing.T) {
	checkLeaks(t)
	t.Run("all", func(t *testing.T) {
		for _, s := range states {
			for _, l := range launches {
				t.Run(s.name+"/"+l.name, func(t *testing.T) {
					t.Parallel()
					p, driver := l.start(t, s.environment()...)
					others := 1 + l.helpers
					s.reach(p, others)
					_ = syscall.Kill(driver, syscall.SIGKILL)
					p.gone(deathTime)
				})
			}
		}
	})
}

// A worker that prints notices its driver's end first by a broken pipe. That alone must not kill
// it.
func TestLifetimeDriverKilledWhileWorkersPrint(t *testing.T) {
	checkLeaks(t)
	t.Run("all", func(t *testing.T) {
		s := state{do: "print", child: "runs", workers: 2, children: 2}
		for i := range 10 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				p, driver := launches[0].start(t, s.environment()...)
				s.reach(p, 1)
				_ = syscall.Kill(driver, syscall.SIGKILL)
				p.gone(deathTime)
			})
		}
	})
}

// A driver may also end by itself, without Close, or after it was stopped.
func TestLifetimeDriverEnds(t *testing.T) {
	checkLeaks(t)
	ends := map[string]func(p *program, driver int){
		"exits":  func(p *program, driver int) { fmt.Fprintln(p.in, "exit") },
		"panics": func(p *program, driver int) { fmt.Fprintln(p.in, "panic") },
		"quits":  func(p *program, driver int) { _ = syscall.Kill(driver, syscall.SIGQUIT) },
		"stopped": func(p *program, driver int) {
			suspend(p.t, driver)
			_ = syscall.Kill(driver, syscall.SIGKILL)
		},
	}
	t.Run("all", func(t *testing.T) {
		for name, end := range ends {
			for _, s := range states {
				t.Run(name+"/"+s.name, func(t *testing.T) {
					t.Parallel()
					p, driver := launches[0].start(t, s.environment()...)
					s.reach(p, 1)
					end(p, driver)
					p.gone(deathTime)
				})
			}
		}
	})
}

// When a worker dies, nothing that it started survives; the pool does, and closes in good order.
func TestLifetimeWorkerDies(t *testing.T) {
	checkLeaks(t)
	deaths := map[string][]string{ // what the error says
		"SIGKILL":  {"killed by SIGKILL"},
		"exit":     {"exit status 3"},
		"panic":    {"exit status 2", "out of a goroutine"},
		"overflow": {"exit status 2", "stack overflow"},
		"Goexit":   {"exit status 72", "runtime.Goexit"},
	}
	t.Run("all", func(t *testing.T) {
		for do, says := range deaths {
			for _, child := range []string{"", "runs", "stopped"} {
				t.Run(do+"/child "+child, func(t *testing.T) {
					t.Parallel()
					p, driver := launches[0].start(t, doVariable+"="+do, childVariable+"="+child)
					text := p.await("over", 1)[0]
					for _, part := range says {
						if !strings.Contains(text, part) {
							t.Errorf("no %q in %s", part, text)
						}
					}
					p.only(deathTime, func(pid int) bool { // the driver and its new workers
						_, parent := status(pid)
						return pid == driver || parent == driver
					})
					p.in.Close()
					if code := p.exit(); code != 0 {
						t.Errorf("exit status %d, stderr:\n%s", code, &p.stderr)
					}
					p.gone(0)
				})
			}
		}
	})
}

// A worker that is stopped does not keep the pool from closing.
func TestLifetimeCloseStoppedWorkers(t *testing.T) {
	checkLeaks(t)
	t.Run("all", func(t *testing.T) {
		for _, child := range []string{"", "runs", "stopped"} {
			t.Run("child "+child, func(t *testing.T) {
				t.Parallel()
				s := state{do: "wait", child: child, workers: 2, idle: true, suspend: true}
				if child != "" {
					s.children = 2
				}
				p, _ := launches[0].start(t, s.environment()...)
				s.reach(p, 1)
				p.in.Close()
				if code := p.exit(); code != 0 {
					t.Errorf("exit status %d, stderr:\n%s", code, &p.stderr)
				}
				p.gone(deathTime) // a stopped child is killed too, once it runs
			})
		}
	})
}

// SIGINT, SIGTERM and SIGHUP end the driver, which ends all workers, whatever they do, prints the
// signal and exits.
func TestLifetimeSignals(t *testing.T) {
	checkLeaks(t)
	signals := []struct {
		signal syscall.Signal
		code   int
		says   string
	}{
		{syscall.SIGINT, 130, "interrupted"},
		{syscall.SIGTERM, 143, "terminated"},
		{syscall.SIGHUP, 129, "hung up"},
	}
	t.Run("all", func(t *testing.T) {
		for _, sig := range signals {
			for _, s := range states {
				t.Run(sig.says+"/"+s.name, func(t *testing.T) {
					t.Parallel()
					p, driver := launches[0].start(t, s.environment()...)
					s.reach(p, 1)
					_ = syscall.Kill(driver, sig.signal)
					p.gone(deathTime)
					if code := p.exit(); code != sig.code {
						t.Errorf("exit status %d, want %d", code, sig.code)
					}
					if text := p.stderr.String(); strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, ": "+sig.says+"\n") {
						t.Errorf("standard error is not one line that ends with %q:\n%s", sig.says, text)
					}
				})
			}
		}
	})
}

// The second Ctrl-C kills a driver that does not heed the first.
func TestLifetimeSecondInterrupt(t *testing.T) {
	checkLeaks(t)
	p := start(t, "deaf", thisBinary(nil))
	driver := p.awaitPID("driver", 1)[0]
	_ = syscall.Kill(driver, syscall.SIGINT)
	p.await("heard", 1)
	_ = syscall.Kill(driver, syscall.SIGINT)
	p.gone(deathTime)
	p.exit()
	if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGINT {
		t.Errorf("ended with %v", p.cmd.ProcessState)
	}
}
