package proc

import (
	"bytes"
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

// finish waits until all that an ended worker printed has been passed on.
func (o *output) finish() {
	o.stdout.r.finish()
	o.stderr.r.finish()
	o.readers.Wait()
}

// copyLines passes lines on. A line with parts from several items has no known item.
func (s *stream) copyLines(sink func(item int, line []byte)) {
	defer s.r.Close()
	var buf []byte
	item := -1 // of buf
	chunk := make([]byte, 4<<10)
	for {
		n, err := s.r.Read(chunk)
		by := -1
		if n > 0 {
			by = s.origin.read(func() int { return Waiting(s.r.file) })
		}
		if len(buf) == 0 {
			item = by
		} else if item != by {
			item = -1
		}
		buf = append(buf, chunk[:n]...)
		for {
			i := bytes.IndexByte(buf, '\n')
			if i < 0 {
				break
			}
			sink(item, buf[:i+1])
			buf, item = buf[i+1:], by
		}
		if len(buf) >= maxLine || err != nil && len(buf) > 0 {
			sink(item, append(buf, '\n'))
			buf = nil
		}
		if err != nil {
			return
		}
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
