//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"log/slog"
	"syscall"
	"testing"
	"time"
)

const (
	slowMessage    = "mapreduce: an item runs far longer than all others of its call"
	stoppedMessage = "mapreduce: a worker is stopped, and its work waits"
)

// An item that takes far longer than all others, and a stopped worker, are logged once, with
// details. A call of few items does not show what is usual.
func TestAlarms(t *testing.T) {
	checkLeaks(t)
	wasTick, wasStopped, wasSlow := alarmTick, stoppedAlarm, slowAlarm
	t.Cleanup(func() { alarmTick, stoppedAlarm, slowAlarm = wasTick, wasStopped, wasSlow })
	alarmTick, stoppedAlarm, slowAlarm = 10*time.Millisecond, 50*time.Millisecond, 200*time.Millisecond
	r := &recorder{}
	p := newPool(t, Procs(2), silent(), Logger(r))
	ctx, cancel := context.WithCancel(t.Context())

	until := func(what string, is func() bool) {
		eventually(t, 20*time.Second, func() error {
			if !is() {
				return errors.New("not yet: " + what)
			}
			return nil
		})
	}

	dir := t.TempDir()
	few := deedTask.MapAsync(ctx, p, deeds(dir, slowFrom/2, "hang", 1, 4), Chunksize(1))
	until("the item of few hangs", func() bool { return attempts(t, dir, 4) > 0 })
	many := deedTask.MapAsync(ctx, p, deeds("", 30, "hang", 1, 29), Chunksize(1))
	until("the item of many is told", func() bool { return r.count(slowMessage) > 0 })

	got := attrsOf(r.records(slowMessage)[0])
	pid := int(got["pid"].Int64())
	if got["item"].Int64() != 29 || got["worker"].Int64() == 0 || got["task"].String() != deedTask.Name() || got["for"].Duration() < slowAlarm || got["state"].String() == "" {
		t.Errorf("%v", got)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	until("the stopped worker is told", func() bool { return r.count(stoppedMessage) > 0 })
	_ = syscall.Kill(pid, syscall.SIGCONT)
	got = attrsOf(r.records(stoppedMessage)[0])
	if got["item"].Int64() != 29 || int(got["pid"].Int64()) != pid || got["for"].Duration() < stoppedAlarm || got["state"].String() != "stopped" {
		t.Errorf("%v", got)
	}
	cancel()
	_, _ = few.Get(t.Context())
	_, _ = many.Get(t.Context())
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if r.count(slowMessage) != 1 || r.count(stoppedMessage) != 1 {
		t.Errorf("%v", r.all)
	}
}

// records returns the records with that message.
func (r *recorder) records(message string) (all []slog.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, record := range r.all {
		if record.Message == message {
			all = append(all, record)
		}
	}
	return all
}
