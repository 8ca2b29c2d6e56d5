package proc

import (
	"bytes"
	"os"
	"sync"
	"time"
)

// An OutputFunc gets one line that a worker printed, with its newline. Calls for one worker come one at a time for each
// of its two streams.
type OutputFunc func(stderr bool, line []byte)

const (
	tailSize = 4 << 10 // how much of the end of a worker's standard error is kept
	maxLine  = 64 << 10
	lateTime = time.Second // in which what others print is heard after a worker's end
)

// output carries what a worker prints to the driver, whole lines at a time, and keeps the tail of its standard error.
type output struct {
	stdout, stderr stream
	readers        sync.WaitGroup
}

type stream struct {
	r     *PipeReader
	w     *os.File
	tail  []byte
	crash []byte // what the runtime says of a crash, and what follows
	dump  Dump   // finds its beginning
}

func newOutput(spec Spec) (*output, error) {
	o := &output{}
	if err := o.stdout.open(); err != nil {
		return nil, err
	}
	if err := o.stderr.open(); err != nil {
		o.stdout.r.Close()
		o.stdout.w.Close()
		return nil, err
	}
	sink := spec.Output
	if sink == nil {
		sink = printLine
	}
	o.readers.Go(func() { o.stdout.copyLines(func(line []byte) { sink(false, line) }) })
	o.readers.Go(func() {
		o.stderr.copyLines(func(line []byte) {
			o.stderr.keep(line)
			sink(true, line)
		})
	})
	return o, nil
}

func (s *stream) open() error {
	r, w, err := os.Pipe()
	if err == nil {
		s.r, s.w = &PipeReader{file: r, late: lateTime}, w
	}
	return err
}

// printLine writes the line in one Write, which no other comes between.
func printLine(stderr bool, line []byte) {
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

// abandon ends the readers of a worker that never was.
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

func (s *stream) copyLines(sink func([]byte)) {
	defer s.r.Close()
	var buf []byte
	chunk := make([]byte, 4<<10)
	for {
		n, err := s.r.Read(chunk)
		buf = append(buf, chunk[:n]...)
		for {
			i := bytes.IndexByte(buf, '\n')
			if i < 0 {
				break
			}
			sink(buf[:i+1])
			buf = buf[i+1:]
		}
		if len(buf) >= maxLine || err != nil && len(buf) > 0 {
			sink(append(buf, '\n'))
			buf = nil
		}
		if err != nil {
			return
		}
	}
}

// keep takes the next line of the standard error.
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
