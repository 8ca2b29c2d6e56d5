package mapreduce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"mrrun/transport"
)

// Profile writes a profile of the worker with that ID to w, in the format of go tool pprof. kind is
// "cpu", which takes time d, or the name of a profile of [runtime/pprof] such as "heap" or
// "goroutine", which is taken at once. The worker continues to work meanwhile. Profile blocks until
// the profile arrives. If ctx ends first, it returns the cause; a cpu profile then continues in the
// worker, which makes one at a time. It is an error if there is no such worker, or if it is not
// ready yet or is ending.
func (p *Pool) Profile(ctx context.Context, worker int, kind string, d time.Duration, w io.Writer) error {
	l := p.supervisor.findWorker(worker)
	if l == nil {
		return fmt.Errorf("mapreduce: profile of worker %d: there is no such worker", worker)
	}
	got, err := l.profile(ctx, kind, d)
	if err != nil {
		return fmt.Errorf("mapreduce: %s profile of worker %d: %w", kind, worker, err)
	}
	_, err = w.Write(got)
	return err
}

// findWorker returns the link of a worker that is ready and not ending; nil if there is none.
func (s *supervisor) findWorker(id int) *link {
	found := s.linksThat(func(l *link) bool { return l.id == id && l.greeted && !l.stopped })
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// profiling holds the profiles of one worker for which callers wait, guarded by the mutex of its
// link.
type profiling struct {
	profiles    map[uint32]chan profileResult
	lastProfile uint32
}

// A profileResult is a worker's answer to a profile request.
type profileResult struct {
	data []byte
	err  error
}

// profile asks the worker for a profile and waits for it.
func (l *link) profile(ctx context.Context, kind string, d time.Duration) ([]byte, error) {
	result := make(chan profileResult, 1)
	l.mu.Lock()
	if l.profiles == nil {
		l.profiles = make(map[uint32]chan profileResult)
	}
	tag := l.lastProfile + 1
	l.lastProfile = tag
	l.profiles[tag] = result
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.profiles, tag)
		l.mu.Unlock()
	}()
	_, err := l.requests.Add(kindProfile, tag, func(out *transport.Encoder) error {
		out.String(kind)
		out.Uint(uint64(d))
		return nil
	})
	if err != nil {
		return nil, err
	}
	l.flusher.Soon()
	select {
	case r := <-result:
		return r.data, r.err
	case <-l.over:
		return nil, errors.New("the worker ended")
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// profiled passes an answer to the caller that waits for it.
func (l *link) profiled(tag uint32, body []byte) error {
	in := transport.NewDecoder(body)
	text, err := in.String()
	if err != nil {
		return err
	}
	r := profileResult{data: bytes.Clone(in.Rest())}
	if text != "" {
		r = profileResult{err: errors.New(text)}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if waiting := l.profiles[tag]; waiting != nil {
		waiting <- r
	}
	return nil
}
