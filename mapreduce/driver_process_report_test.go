//go:build linux

package mapreduce

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var failTask = FuncContext(func(ctx context.Context, how string) (int, error) {
	switch how {
	case "panic":
		panic("the reason is this")
	case "panic elsewhere":
		go panic("the reason is this")
		select {}
	case "error":
		return 0, fmt.Errorf("the reason is this")
	case "exit":
		fmt.Fprintln(os.Stderr, "the reason is this")
		os.Exit(3)
	case "wait":
		<-ctx.Done()
	case "sleep":
		time.Sleep(time.Hour)
	}
	return 7, ctx.Err()
})

const failedMessage = "mapreduce: a process failed"

// A failure is logged when it happens, even if no goroutine waits for the process.
func TestProcessFailureIsLogged(t *testing.T) {
	checkLeaks(t)
	for _, how := range []string{"panic", "panic elsewhere", "error", "exit"} {
		r := &recorder{}
		p, err := failTask.Start(t.Context(), how, Logger(r), silent())
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, hangTime, func() error {
			if r.count(failedMessage) == 0 {
				return fmt.Errorf("%s: no word", how)
			}
			return nil
		})
		_, _ = p.Wait()
		got := attrsOf(r.all[0])
		text := got["error"].String()
		if len(r.all) != 1 || r.all[0].Level != slog.LevelError || got["process"].String() != p.Name() || got["pid"].Int64() != int64(p.PID()) ||
			strings.Count(text, "the reason is this") == 0 || strings.Contains(how, "panic") && !strings.Contains(text, "driver_process_report_test.go") {
			t.Errorf("%s: %v", how, r.all)
		}
	}
}

// A process that its parent ended has not failed.
func TestProcessEndIsNotLogged(t *testing.T) {
	checkLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	for what, end := range map[string]func(*Process[int]) error{
		"result":    func(*Process[int]) error { return nil },
		"Terminate": (*Process[int]).Terminate,
		"Kill":      (*Process[int]).Kill,
		"context":   func(*Process[int]) error { cancel(); return nil },
	} {
		r := &recorder{}
		do := "sleep"
		if what == "result" {
			do = ""
		}
		p, err := failTask.Start(ctx, do, Logger(r))
		if err != nil {
			t.Fatal(err)
		}
		if err := end(p); err != nil {
			t.Error(err)
		}
		_, err = p.Wait()
		if (err == nil) != (what == "result") || len(r.all) > 0 {
			t.Errorf("%s: %v, %v", what, err, r.all)
		}
		ctx, cancel = context.WithCancel(t.Context())
	}
	cancel()
}

// Without a Logger the report goes to standard error, each word once.
func TestProcessFailureIsPrinted(t *testing.T) {
	for _, how := range []string{"panic", "panic elsewhere", "error", "exit"} {
		p := start(t, "failing process", thisBinary(nil), doVariable+"="+how, "GOTRACEBACK=single")
		p.await("over", 1)
		p.exit()
		text := p.stderr.String()
		if strings.Count(text, "mapreduce: a process failed: ") != 1 || strings.Count(text, "process Process-1 (pid ") != 1 || strings.Count(text, "the reason is this") != 1 {
			t.Errorf("%s:\n%s", how, text)
		}
	}
}

// A program whose error begins with the program's name prints the name once.
func TestMainNamesTheProgramOnce(t *testing.T) {
	p := start(t, "error with a name", thisBinary(nil))
	name := filepath.Base(os.Args[0])
	if code := p.exit(); code != 1 || p.stderr.String() != name+": out of luck\n" {
		t.Errorf("exit status %d, %q", code, p.stderr.String())
	}
}

func init() {
	scenarios["error with a name"] = func() {
		Main(func(context.Context) error { return fmt.Errorf("%s: out of luck", filepath.Base(os.Args[0])) })
	}
	scenarios["failing process"] = func() {
		Main(func(ctx context.Context) error {
			p, err := failTask.Start(ctx, os.Getenv(doVariable))
			if err != nil {
				return err
			}
			<-p.Done()
			fmt.Println("over", p.Name())
			return nil
		})
	}
}
