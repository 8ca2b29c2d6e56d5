package mapreduce

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"mrrun/mapreduce/internal/flusher"
	"mrrun/mapreduce/internal/schedule"
	"mrrun/transport"
)

// An outbox holds the requests to one worker. Only the supervisor uses it, but another goroutine
// flushes what the supervisor cannot.
type outbox struct {
	requests *transport.Writer // from the process's start on; not flushed before its hello
	opened   map[uint32]bool   // calls that the worker has been told
	dirty    bool              // requests wait for a flush
	flusher  *flusher.Flusher
	lastTag  uint32 // tag of the last chunk
}

// send adds a chunk to the requests. attempt counts the runs of its first item, from 1; for claim
// see sentChunk. An error is about the arguments, and means that nothing was sent.
func (l *link) send(c *call, s schedule.Span, attempt int, claim *atomic.Bool) error {
	l.open(c)
	l.lastTag++
	size := 0
	l.mu.Lock() // the answer may come before Add returns: it waits for its chunk in sent
	defer l.mu.Unlock()
	var bad error
	_, err := l.requests.Add(kindChunk, l.lastTag, func(out *transport.Encoder) error {
		(&chunkHead{uint64(c.id), uint64(s.First), uint64(s.Size()), uint64(attempt)}).encode(out)
		start := out.Len()
		out.KeptBySender(true)
		bad = encodeSafely(c, out, s)
		out.KeptBySender(false)
		size = out.Len() - start
		return bad
	})
	if err != nil {
		if tooLarge, ok := errors.AsType[*transport.SizeError](err); ok {
			bad = tooLarge
		}
	}
	if bad != nil {
		return fmt.Errorf("mapreduce: %s: send items %d to %d: %w", c.task.name, s.First, s.End-1, bad)
	}
	l.sent.Push(sentChunk{tag: l.lastTag, call: c, span: s, bytes: size, claim: claim})
	l.dirty = true
	return nil // if the pipe is broken, read reports a lost worker
}

// errAnswered means that a copy is not needed.
var errAnswered = errors.New("the chunk has been answered")

// copyTo sends a second copy of a chunk to another worker. It holds mu, so no answer is placed
// meanwhile and the arguments still exist.
func (l *link) copyTo(other *link, c *call, s schedule.Span, attempt int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	sent := l.sent.Items()
	i := slices.IndexFunc(sent, func(sent sentChunk) bool { return sent.call == c && sent.span == s })
	if i < 0 {
		return errAnswered
	}
	claim := new(atomic.Bool)
	if err := other.send(c, s, attempt, claim); err != nil {
		return err
	}
	sent[i].claim = claim
	return nil
}

// encodeSafely encodes arguments such that a panic in a user's encoding method fails its call, not
// the driver.
func encodeSafely(c *call, out *transport.Encoder, s schedule.Span) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return c.items.encode(out, s)
}

// open tells the worker about the call, unless it knows it.
func (l *link) open(c *call) {
	if !l.opened[c.id] {
		l.opened[c.id] = true
		_, _ = l.requests.Add(kindOpen, c.id, func(out *transport.Encoder) error {
			(&callHead{uint64(c.task.number), c.params, uint64(c.options.timeout), c.options.seed, uint64(l.place), c.options.logLevel, c.deadline}).encode(out)
			return nil
		})
	}
}

// cancelCall ends the call's context in the worker.
func (l *link) cancelCall(c *call) {
	_, _ = l.requests.Add(kindCancel, c.id, func(out *transport.Encoder) error {
		encodeFailure(out, c.cause)
		return nil
	})
	l.dirty = true
}

// forget tells the worker that it may drop what it keeps for a call. That is not urgent, and is
// written with the next request, unless a worker still runs items of the call.
func (l *link) forget(c *call) {
	if l != nil && l.opened[c.id] {
		delete(l.opened, c.id)
		_, _ = l.requests.Add(kindForget, c.id, nil)
		l.dirty = l.dirty || c.state.Held()
	}
}

// kick writes waiting requests. It does not wait for the worker.
func (l *link) kick() {
	if l == nil || !l.dirty {
		return
	}
	l.dirty = false
	l.flusher.Soon()
}
