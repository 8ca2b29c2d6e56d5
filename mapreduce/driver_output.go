package mapreduce

import (
	"bytes"
	"io"
	"os"
	"sync"

	"mrrun/mapreduce/internal/proc"
)

// A lineSink is the function of one [Output] option.
type lineSink struct {
	mu sync.Mutex // held while f runs
	f  func(OutputLine)
}

func (s *lineSink) take(l OutputLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	callUser("the Output function", func() { s.f(l) })
}

func (h *host) print(l *link, stderr bool, item int, text []byte) {
	l.busy.Start()
	defer l.busy.Stop()
	if l.name != "" {
		item = -1
	}
	line := OutputLine{Worker: l.id, Item: item, Process: l.name, Stderr: stderr, Text: string(bytes.TrimSuffix(text, []byte("\n")))}
	if h.options.output != nil {
		h.options.output.take(line)
		return
	}
	out := h.writer(stderr)
	if stderr {
		if !proc.WholeDumps() {
			var ok bool
			if line.Text, ok = l.dump.Cut(line.Text); !ok {
				return
			}
		}
	}
	_, _ = io.WriteString(out, line.String()+"\n")
}

// writer returns where the lines of workers go.
func (h *host) writer(stderr bool) io.Writer {
	own, to := os.Stdout, h.options.printTo[0]
	if stderr {
		own, to = os.Stderr, h.options.printTo[1]
	}
	if to != nil {
		return to
	}
	return own
}

// indexOf returns the index of an item that printed something just now, or -1 if its chunk was
// answered long ago.
func (l *link) indexOf(tag uint32, offset int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c, item := l.findItem(tag, offset); c != nil {
		return item
	}
	if l.done.tag == tag {
		return l.done.first + offset
	}
	return -1
}
