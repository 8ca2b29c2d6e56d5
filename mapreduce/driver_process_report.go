package mapreduce

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// report reports that the process failed, once and when it happens, because the caller that could
// ask may be waiting for something that will never come. It goes to the Logger, or else to standard
// error. A process that this one ended itself has not failed.
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
		} else if o.output == nil && !died.proc().NoThread() { // its last words are printed already
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
