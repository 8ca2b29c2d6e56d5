package mapreduce

import (
	"errors"
	"fmt"

	"mrrun/transport"
)

// read handles the worker's messages until its end of the pipe closes. It returns io.EOF, or what
// was wrong with the bytes.
func (l *link) read(answers *transport.Reader) error {
	var batch []event
	defer func() { l.tell(batch...) }()
	in := transport.NewDecoder(nil)
	l.busy.Start()
	defer l.busy.Stop()
	for {
		f, err := l.next(answers)
		if err != nil {
			return err
		}
		switch f.Kind {
		case kindAnswer:
			l.logs.drain()
		case kindLog:
			if err := l.log(f.Tag, f.Body); err != nil {
				return fmt.Errorf("it sent a broken log record: %v", err) // %v: err is not the pipe's EOF
			}
			continue
		case kindLeaving:
			l.isLeaving(string(f.Body))
			continue
		case kindStacks:
			if err := l.takeStacks(f.Tag, f.Body); err != nil {
				return fmt.Errorf("it sent broken stacks: %v", err)
			}
			continue
		case kindLastWord:
			l.saidLastWord()
			continue
		case kindProfiled:
			if err := l.profiled(f.Tag, f.Body); err != nil {
				return fmt.Errorf("it sent a broken profile: %v", err)
			}
			continue
		default:
			return fmt.Errorf("it sent a message of unknown kind %d", f.Kind)
		}
		in.ResetFrame(f)
		e := event{kind: evAnswer, link: l}
		err = l.answer(f.Tag, in, len(f.Body), &e)
		// The goroutine that gets the answer may ask the worker for more before this one goes on.
		answers.LetGo()
		if err != nil {
			return err
		}
		batch = append(batch, e)
		if !answers.Buffered() {
			l.tell(batch...)
			clear(batch)
			batch = batch[:0]
		}
	}
}

// next returns the next message, and may wait for it.
func (l *link) next(answers *transport.Reader) (transport.Frame, error) {
	if !answers.Buffered() {
		l.busy.Stop()
		defer l.busy.Start()
	}
	return answers.Next()
}

// answer places the results of one chunk, and completes its event. An error means that the worker
// can no longer be trusted.
func (l *link) answer(tag uint32, in *transport.Decoder, size int, e *event) error {
	chunk, ok := l.takeSent(tag)
	if !ok {
		return fmt.Errorf("it answered chunk %d, which it was not sent", tag)
	}
	e.call, e.sent, e.n = chunk.call, chunk.bytes, chunk.bytes+size
	var err error
	if e.work, err = takeWorkTime(in); err != nil {
		return fmt.Errorf("it sent a broken answer: %v", err)
	}
	if e.late = chunk.claim != nil && chunk.claim.Swap(true); e.late {
		return nil
	}
	state, err := in.ReadByte()
	switch {
	case err != nil:
		return fmt.Errorf("it sent a broken answer: %v", err)
	case state == chunkFailed:
		text, err := in.String()
		if err != nil {
			return fmt.Errorf("it sent a broken answer: %v", err)
		}
		e.err = fmt.Errorf("mapreduce: %s, items %d to %d: %s", chunk.call.task.name, chunk.span.First, chunk.span.End-1, text)
	default:
		e.key = l.key(chunk, e.work)
		e.failed, e.err = l.placeSafely(chunk, in)
	}
	return nil
}

// placeSafely places results such that a panic in a user's decoding method fails its call, not the
// driver. A runtime.Goexit there ends the reading goroutine, so it costs the worker as well.
func (l *link) placeSafely(c sentChunk, in *transport.Decoder) (failed TaskErrors, err error) {
	returned := false
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("mapreduce: %s: receive results: panic: %v", c.call.task.name, p)
		} else if !returned {
			l.host.cancelCall(c.call, fmt.Errorf("mapreduce: %s: receive results: %w", c.call.task.name, errGoexit))
		}
	}()
	failed, err = c.call.items.place(in, c.span)
	returned = true
	if err == nil {
		return failed, nil
	}
	if _, ofItem := errors.AsType[*TaskError](err); ofItem {
		return failed, err
	}
	return failed, fmt.Errorf("mapreduce: %s: receive results of items %d to %d: %w", c.call.task.name, c.span.First, c.span.End-1, err)
}

func (l *link) takeSent(tag uint32) (sentChunk, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sent.Len() == 0 || l.sent.Items()[0].tag != tag {
		return sentChunk{}, false
	}
	c := l.sent.Pop()
	l.done.tag, l.done.first = c.tag, c.span.First
	return c, true
}
