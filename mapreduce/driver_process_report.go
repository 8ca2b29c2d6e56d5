package mapreduce

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// report tells that the process has failed, once and when it happens, as whoever could ask may wait for what will never
// come: to its Logger, else on standard error. What this process has ended itself has not failed.
func (c *child) report(err error) {
	if err == nil || c.reported || c.steps > 0 || c.signalled.Load() && c.exit.Signal != 0 {
		return
	}
	c.reported = true
	o := &c.link.host.options
	if o.logger == nil {
		died, ok := errors.AsType[*ExitError](err)
		if !ok {
			err = fmt.Errorf("process %s (pid %d): %w", c.name, c.PID(), err)
		} else if o.output == nil && !died.proc().NoThread() { // its last words are there already
			brief := *died
			brief.Stderr = ""
			err = &brief
		}
		fmt.Fprintf(os.Stderr, "mapreduce: a process failed: %v\n", err)
		return
	}
	r := slog.NewRecord(time.Now(), slog.LevelError, "mapreduce: a process failed", 0)
	r.AddAttrs(slog.String("process", c.name), slog.Int("pid", c.PID()), slog.Any("error", err))
	c.link.logs.put(r, 0)
}
