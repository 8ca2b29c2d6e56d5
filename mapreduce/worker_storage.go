package mapreduce

import (
	"errors"
	"sync"

	"mrrun/internal/shm"
	"mrrun/internal/shuffle"
)

// A store is a worker's end of a set of files.
type store struct {
	places []shm.Place
	limits limits
	files  shuffle.Files // those that are open; nil: none yet

	writer *shuffle.Writer
	inside *shuffle.Buffer // what the writer wrote, if it cannot write to a file
}

// open opens the file with that number. The end of the call closes it.
func (s *store) open(c *openCall, number int) error {
	if s.files == nil {
		s.files = make(shuffle.Files, len(s.places))
	}
	if s.files[number] != nil {
		return nil
	}
	f, err := shuffle.Open(s.places[number])
	if err != nil {
		return err
	}
	s.files[number] = f
	c.files.add(f)
	return nil
}

// write returns the writer of this worker. Where the worker cannot open its file, what it writes
// travels in its answers.
func (s *store) write(r *chunkRun) *shuffle.Writer {
	if s.writer != nil {
		return s.writer
	}
	if s.openOwn(r) != nil {
		s.inside = new(shuffle.Buffer)
		s.writer = shuffle.NewWriter(s.inside, 0, int(s.limits.block))
	}
	s.writer.Limit(int(s.limits.most))
	return s.writer
}

// openOwn makes a writer to the worker's own file, and the one on disk that goes with it.
func (s *store) openOwn(r *chunkRun) error {
	n := len(s.places) / int(1+s.limits.spills)
	if n < 2 {
		return errNoFile
	}
	number := 1 + int(r.call.place)%(n-1)
	if err := s.open(r.call, number); err != nil {
		return err
	}
	if s.limits.spills > 0 {
		if err := s.open(r.call, number+n); err != nil {
			return err
		}
	}
	s.writer = shuffle.NewWriter(s.files[number], number, int(s.limits.block))
	if s.limits.spills > 0 {
		s.writer.SpillTo(s.files[number+n], number+n, int64(s.limits.inMemory))
	}
	return nil
}

var errNoFile = errors.New("there is no file for this worker")

// commit adds to the answer where the records are that were written since the last commit.
func (s *store) commit(r *chunkRun) error {
	parts, err := s.writer.Commit()
	if err != nil {
		return err
	}
	var inside []byte
	if s.inside != nil {
		inside, s.inside.Bytes = s.inside.Bytes, nil
	}
	encodeParts(r.out, parts, inside)
	return nil
}

// discard forgets what was written since the last commit.
func (s *store) discard() {
	if s.writer != nil {
		s.writer.Discard()
	}
	if s.inside != nil {
		s.inside.Bytes = nil
	}
}

// openFiles are the files that a worker has opened for a call. The reader of requests closes them,
// perhaps while a chunk still runs whose answer nobody wants.
type openFiles struct {
	mu     sync.Mutex
	files  shuffle.Files
	closed bool
}

func (o *openFiles) add(f *shuffle.File) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.files = append(o.files, f)
	if o.closed {
		_ = f.Close()
	}
}

func (o *openFiles) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	_ = o.files.Close() // what was written is in the file
	o.files = nil
}
