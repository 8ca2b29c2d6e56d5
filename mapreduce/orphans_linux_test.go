package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	scenarios["adopter"] = func() {
		Main(func(ctx context.Context) error {
			if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
				return err
			}
			own := exec.Command("sh", "-c", "exit 3") // which only this test may reap
			if err := own.Start(); err != nil {
				return err
			}
			p, err := NewPool(ctx, Procs(2), silent())
			if err != nil {
				return err
			}
			for _, do := range []string{"", "SIGKILL"} {
				_, err := obeyTask.Map(ctx, p, []order{{do, "runs"}, {do, "stopped"}}, Retries(0))
				if (err != nil) != (do != "") {
					return err
				}
			}
			if err := p.Close(); err != nil {
				return err
			}
			for end := time.Now().Add(hangTime / 2); time.Now().Before(end); time.Sleep(time.Millisecond) {
				if pids := children(os.Getpid()); len(pids) == 1 && strings.HasPrefix(pids[0], fmt.Sprintf("%d(", own.Process.Pid)) {
					break
				}
			}
			err = own.Wait()
			exit, _ := errors.AsType[*exec.ExitError](err)
			fmt.Println("children", len(children(os.Getpid())), "own", exit != nil && exit.ExitCode() == 3)
			return nil
		})
	}
}

// A driver that adopts orphans, as the first process of a container does, reaps those of its
// workers, and no other children.
func TestOrphansAreReaped(t *testing.T) {
	checkLeaks(t)
	p := start(t, "adopter", thisBinary(nil))
	if got := p.await("children", 1)[0]; got != "0 own true" {
		t.Errorf("children %s", got)
	}
	if code := p.exit(); code != 0 {
		t.Errorf("exit status %d: %s", code, &p.stderr)
	}
}
