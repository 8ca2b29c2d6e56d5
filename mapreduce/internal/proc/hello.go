package proc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"mrrun/transport"
)

// Kinds of the frames that this package itself sends; the users of the pipes choose others.
const (
	KindHello = 1 // worker → driver, the first frame: a Hello
	KindStop  = 2 // driver → worker, the last frame
)

// Version is the version of the protocol between driver and worker.
const Version = 1

// HelloTime is how long a worker may take from its start to its hello by default.
const HelloTime = 30 * time.Second

// A Hello is the first message of a worker. Both sides are the same program, so it must equal the
// driver's own.
type Hello struct {
	Version     int
	Fingerprint uint64   // of the task table
	Tasks       []string // names of the tasks, to say what differs
}

var helloCodec = sync.OnceValue(func() *transport.Codec[Hello] {
	c, err := transport.NewCodec[Hello]()
	if err != nil {
		panic(err)
	}
	return c
})

// Hello tells the driver that the worker is ready.
func (w *Worker) Hello(h Hello) error {
	out := transport.NewWriter(w.Answers)
	if _, err := out.Add(KindHello, 0, func(e *transport.Encoder) error { return helloCodec().Encode(e, &h) }); err != nil {
		return err
	}
	return out.Flush()
}

// ErrNoHello is wrapped by the error about a worker that ended, or stayed silent, before it was
// ready.
var ErrNoHello = errors.New("the worker did not say hello (does main reach mapreduce.Main or mapreduce.Init in every process?)")

// Hello waits up to limit for the worker's hello and compares it with the driver's own; time for
// which either process is stopped does not count. answers must read from the process's Answers.
// After an error the process must be killed. When ctx ends, Hello returns its cause.
func (p *Process) Hello(ctx context.Context, answers *transport.Reader, want Hello, limit time.Duration) error {
	giveUp := func() { _ = p.Answers.SetReadDeadline(time.Unix(1, 0)) }
	stop := context.AfterFunc(ctx, giveUp)
	defer stop()
	heard := p.whenBothRan(limit, giveUp)

	f, err := answers.Next()
	heard()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return p.noHello(err, limit)
	case f.Kind != KindHello:
		return fmt.Errorf("worker %d began with a message of kind %d instead of a hello", p.ID, f.Kind)
	}
	_ = p.Answers.SetReadDeadline(time.Time{})
	var got Hello
	if err := helloCodec().Decode(transport.NewDecoder(f.Body), &got); err != nil {
		return fmt.Errorf("hello of worker %d: %w", p.ID, err)
	}
	if err := compare(got, want); err != nil {
		return fmt.Errorf("worker %d: %w", p.ID, err)
	}
	return nil
}

// whenBothRan calls f when this process and the worker have both run for d, unless cancel is called
// first. A tick for which this process was stopped counts once.
func (p *Process) whenBothRan(d time.Duration, f func()) (cancel func()) {
	quit, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tick := min(max(d/20, time.Millisecond), 100*time.Millisecond)
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for ran := time.Duration(0); ran < d; {
			select {
			case <-quit:
				return
			case <-ticker.C:
				if !p.stopped.Running() {
					ran += tick
				}
			}
		}
		f()
	}()
	return func() {
		close(quit)
		<-over
	}
}

// noHello returns why no hello came: the worker ended, or it does something else. In the latter
// case noHello ends it.
func (p *Process) noHello(err error, limit time.Duration) error {
	what := ""
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		p.Stop(StopTime) // it closed the pipe, so it is about to end
	case errors.Is(err, os.ErrDeadlineExceeded) && p.endedWithin(0): // another process has its pipe
	case errors.Is(err, os.ErrDeadlineExceeded):
		what = fmt.Sprintf("said nothing for %v (see StartTimeout): ", limit)
	default:
		what = fmt.Sprintf("said something else: %v: ", err)
	}
	p.Kill()
	exit := p.Exit()
	if exit.NoThread() {
		return p.noThreadError()
	}
	return fmt.Errorf("%w: worker %d (pid %d) %s%v%s", ErrNoHello, p.ID, p.PID(), what, exit, exit.LastWords())
}

func compare(got, want Hello) error {
	if got.Version != want.Version {
		return fmt.Errorf("speaks version %d of the protocol, the driver version %d: the program was replaced while it ran", got.Version, want.Version)
	}
	for i := range max(len(got.Tasks), len(want.Tasks)) {
		switch {
		case i >= len(got.Tasks):
			return fmt.Errorf("has not registered task %s: register in package variables or init, the same in every process", want.Tasks[i])
		case i >= len(want.Tasks):
			return fmt.Errorf("has registered task %s, which the driver has not: register the same in every process", got.Tasks[i])
		case got.Tasks[i] != want.Tasks[i]:
			return fmt.Errorf("has task %s where the driver has %s: register in the same order in every process", got.Tasks[i], want.Tasks[i])
		}
	}
	if got.Fingerprint != want.Fingerprint {
		return errors.New("has tasks with other types than the driver's: the program was replaced while it ran")
	}
	return nil
}
