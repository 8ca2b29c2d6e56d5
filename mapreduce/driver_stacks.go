package mapreduce

import (
	"strings"
	"time"

	"mrrun/mapreduce/internal/proc"
	"mrrun/transport"
)

// stacksGrace is how long a worker that is about to be killed may take to say what its goroutines
// are doing.
const stacksGrace = 100 * time.Millisecond

// A stackReport is what a worker's goroutines were doing when the time of an item was over.
type stackReport struct {
	tag    uint32
	offset int
	text   string
}

// takeStacks keeps what the worker said of its goroutines.
func (l *link) takeStacks(tag uint32, body []byte) error {
	in := transport.NewDecoder(body)
	var offset uint64
	if err := decodeUints(in, &offset); err != nil {
		return err
	}
	text, err := in.String()
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stacks = stackReport{tag, int(offset), strings.Clone(text)}
	return nil
}

// stacksOf returns what the worker said of its goroutines when the time of that item was over.
func (l *link) stacksOf(tag uint32, offset int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stacks.tag == tag && l.stacks.offset == offset {
		return l.stacks.text
	}
	return ""
}

// userStack returns the frames of the user's code, by goroutine.
func userStack(stack string) string {
	var shown []string
	for _, one := range strings.Split(stack, "\n\n") {
		if text := proc.UserFrames(one); text != "" {
			shown = append(shown, text)
		}
	}
	return strings.Join(shown, "\n")
}
