package proc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"mrrun/transport"
)

// Kinds of the frames that this package sends itself; users of the pipes take others.
const (
	KindHello = 1 // worker → driver, first of all: a Hello
	KindStop  = 2 // driver → worker, last of all
)

// Version is the version of the protocol between driver and worker.
const Version = 1

// HelloTime is how long a worker may take from its start to its hello. Only tests change it.
var HelloTime = 10 * time.Second

// A Hello is what a worker says first. Both sides are the same program, so all of it must be equal on both.
type Hello struct {
	Version     int
	Fingerprint uint64   // of the table of tasks
	Tasks       []string // their names, to say what differs
}

var helloCodec = func() *transport.Codec[Hello] {
	c, err := transport.NewCodec[Hello]()
	if err != nil {
		panic(err)
	}
	return c
}()

// Hello says that the worker is ready.
func (w *Worker) Hello(h Hello) error {
	out := transport.NewWriter(w.Answers)
	if _, err := out.Add(KindHello, 0, func(e *transport.Encoder) error { return helloCodec.Encode(e, &h) }); err != nil {
		return err
	}
	return out.Flush()
}

// ErrNoHello is wrapped by the error about a worker that ended, or kept silent, before it was ready.
var ErrNoHello = errors.New("the worker did not say hello (does main reach mapreduce.Main or mapreduce.Init in every process?)")

// Hello waits for the worker's hello, for [HelloTime] at most, and compares it with the driver's own. answers must be on
// the process's Answers. After an error the process must be killed. When ctx ends, so does the wait, with its cause.
func (p *Process) Hello(ctx context.Context, answers *transport.Reader, want Hello) error {
	_ = p.Answers.SetReadDeadline(time.Now().Add(HelloTime))
	stop := context.AfterFunc(ctx, func() { _ = p.Answers.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()

	f, err := answers.Next()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return p.noHello(err)
	case f.Kind != KindHello:
		return fmt.Errorf("worker %d began with a message of kind %d instead of a hello", p.ID, f.Kind)
	}
	_ = p.Answers.SetReadDeadline(time.Time{})
	var got Hello
	if err := helloCodec.Decode(transport.NewDecoder(f.Body), &got); err != nil {
		return fmt.Errorf("hello of worker %d: %w", p.ID, err)
	}
	if err := compare(got, want); err != nil {
		return fmt.Errorf("worker %d: %w", p.ID, err)
	}
	return nil
}

// noHello says why no hello came: the worker ended, or it runs and does something else. It ends it then.
func (p *Process) noHello(err error) error {
	what := ""
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		p.Stop(StopTime) // it closed the pipe, so it ends
	case errors.Is(err, os.ErrDeadlineExceeded) && p.endedWithin(0): // its pipe is in other hands
	case errors.Is(err, os.ErrDeadlineExceeded):
		what = fmt.Sprintf("said nothing for %v: ", HelloTime)
	default:
		what = fmt.Sprintf("said something else: %v: ", err)
	}
	p.Kill()
	exit := p.Exit()
	text := fmt.Sprintf("worker %d (pid %d) %s%v", p.ID, p.PID(), what, exit)
	if exit.Stderr != "" {
		text += "; its last words:\n" + exit.Stderr
	}
	return fmt.Errorf("%w: %s", ErrNoHello, text)
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
			return fmt.Errorf("has registered task %s, the driver has not: register the same in every process", got.Tasks[i])
		case got.Tasks[i] != want.Tasks[i]:
			return fmt.Errorf("has task %s where the driver has %s: register in the same order in every process", got.Tasks[i], want.Tasks[i])
		}
	}
	if got.Fingerprint != want.Fingerprint {
		return errors.New("has tasks of other types than the driver: the program was replaced while it ran")
	}
	return nil
}
