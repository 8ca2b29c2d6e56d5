package proc

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"time"
)

// An OutputFunc receives one line that a worker printed, with its newline, and the index of the
// item that printed it, or -1 if that is unknown or no item. For each of a worker's two streams,
// calls come one at a time.
type OutputFunc func(stderr bool, item int, line []byte)

const (
	tailSize = 4 << 10 // bytes of the end of a worker's standard error to keep
	maxLine  = 64 << 10
	lateTime = time.Second // how long other processes may still print after a worker's end
)

// output passes what a worker prints to the driver in whole lines, and keeps the tail of its
// standard error.
type output struct {
	stdout, stderr stream
	sink           OutputFunc
	readers        sync.WaitGroup
}

type stream struct {
	r      *PipeReader
	w      *os.File
	origin origin
	tail   []byte
	crash  []byte // the runtime's report of a crash, and what follows
	dump   Dump   // finds the beginning of the report
	held   []heldLine
	sink   OutputFunc    // for what was held
	passed chan struct{} // closed when [output.pass] need not wait any longer
}

func newOutput(spec Spec, note *Note) (*output, error) {
	o := &output{sink: spec.Output}
	if o.sink == nil {
		o.sink = printLine
	}
	o.stdout.origin = origin{note: note, stream: 0, item: spec.Item}
	o.stderr.origin = origin{note: note, stream: 1, item: spec.Item}
	if err := o.stdout.open(); err != nil {
		return nil, err
	}
	if err := o.stderr.open(); err != nil {
		o.stdout.r.Close()
		o.stdout.w.Close()
		return nil, err
	}
	o.stdout.passed, o.stderr.passed, o.stderr.sink = make(chan struct{}), make(chan struct{}), o.sink
	o.readers.Go(func() { o.stdout.copyLines(func(item int, line []byte) { o.sink(false, item, line) }) })
	o.readers.Go(func() {
		o.stderr.copyLines(func(item int, line []byte) {
			o.stderr.keep(line)
			if !o.stderr.hold(item, line) {
				o.sink(true, item, line)
			}
		})
	})
	return o, nil
}

func (s *stream) open() error {
	r, w, err := os.Pipe()
	if err == nil {
		s.r, s.w = &PipeReader{file: r, late: lateTime, looking: s.origin.looking}, w
	}
	return err
}

// printLine writes the line in one Write, so that nothing comes between.
func printLine(stderr bool, _ int, line []byte) {
	if stderr {
		_, _ = os.Stderr.Write(line)
	} else {
		_, _ = os.Stdout.Write(line)
	}
}

// started closes the ends that now belong to the worker.
func (o *output) started() {
	o.stdout.w.Close()
	o.stderr.w.Close()
}

// abandon ends the readers of a worker that could not be started.
func (o *output) abandon() {
	o.started()
	o.readers.Wait()
}

// pass waits until all that the worker has printed so far was passed on. It may be called once.
func (o *output) pass() {
	o.stdout.r.wake()
	o.stderr.r.wake()
	<-o.stdout.passed
	<-o.stderr.passed
}

// finish waits until all that an ended worker printed has been passed on.
func (o *output) finish() {
	o.stdout.r.finish()
	o.stderr.r.finish()
	o.readers.Wait()
}

// copyLines passes lines on.
func (s *stream) copyLines(sink func(item int, line []byte)) {
	defer s.r.Close()
	l := lineBuffer{sink: sink}
	chunk := make([]byte, 4<<10)
	rest, passed := -1, false // bytes that pass waits for, or -1; it has waited
	for {
		n, err := s.r.Read(chunk)
		by := -1
		if n > 0 {
			by = s.origin.read(func() int { return Waiting(s.r.file) })
		}
		l.add(chunk[:n], by)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && s.r.resume():
			rest = Waiting(s.r.file)
		case err != nil:
			l.flush()
			if !passed {
				close(s.passed)
			}
			return
		case rest > 0:
			rest = max(rest-n, 0)
		}
		if rest == 0 && !passed {
			l.flush()
			s.release(Exit{}) // a worker that has come so far has not crashed
			close(s.passed)
			passed = true
		}
	}
}

// A lineBuffer makes lines of what is read. A line with parts from several items has no known item.
type lineBuffer struct {
	sink func(item int, line []byte)
	rest []byte // without a newline
	item int    // of rest
}

func (l *lineBuffer) add(chunk []byte, item int) {
	if len(l.rest) == 0 {
		l.item = item
	} else if l.item != item {
		l.item = -1
	}
	l.rest = append(l.rest, chunk...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 {
			break
		}
		l.sink(l.item, l.rest[:i+1])
		l.rest, l.item = l.rest[i+1:], item
	}
	if len(l.rest) >= maxLine {
		l.flush()
	}
}

// flush passes on a line that has no newline, with one.
func (l *lineBuffer) flush() {
	if len(l.rest) > 0 {
		l.sink(l.item, append(l.rest, '\n'))
		l.rest = nil
	}
}

func (s *stream) keep(line []byte) {
	begun := s.dump.part == dumpHead
	if s.dump.Cut(string(bytes.TrimSuffix(line, []byte("\n")))); s.dump.part == dumpHead && !begun {
		s.crash = append(s.crash[:0], line...)
	} else if len(s.crash) > 0 && len(s.crash) < crashSize {
		s.crash = append(s.crash, line...)
	}
	s.tail = append(s.tail, line...)
	if over := len(s.tail) - tailSize; over > 0 {
		s.tail = s.tail[over:]
		if i := bytes.IndexByte(s.tail, '\n'); i >= 0 && i+1 < len(s.tail) {
			s.tail = s.tail[i+1:] // begin with a whole line
		}
	}
}
