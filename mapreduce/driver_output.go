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

func (p *Pool) print(l *link, stderr bool, text []byte) {
	l.busy.Start()
	defer l.busy.Stop()
	line := OutputLine{Worker: l.id, Item: -1, Process: l.name, Stderr: stderr, Text: string(bytes.TrimSuffix(text, []byte("\n")))}
	if c, item := l.running(); c != nil && l.name == "" {
		line.Item = item
	}
	if p.options.output != nil {
		p.options.output.take(line)
		return
	}
	out := os.Stdout
	if stderr {
		out = os.Stderr
		if !proc.WholeDumps() {
			var ok bool
			if line.Text, ok = l.dump.Cut(line.Text); !ok {
				return
			}
		}
	}
	_, _ = io.WriteString(out, line.String()+"\n")
}
