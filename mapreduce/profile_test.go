package mapreduce

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// checkProfile fails the test unless data is what go tool pprof reads: compressed protocol buffers.
func checkProfile(t *testing.T, what string, data []byte) {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Contains(got, []byte("nanoseconds")) && !bytes.Contains(got, []byte("count")) {
		t.Errorf("%s: %d bytes, %v", what, len(got), err)
	}
}

func TestProfile(t *testing.T) {
	p := newPool(t)
	m := newMeeting(t)
	f := meet.ApplyAsync(t.Context(), p, m.place())
	task := m.await()
	for _, w := range p.Workers() { // one of them is busy, and one is not
		for _, kind := range []string{"heap", "goroutine", "cpu"} {
			var data bytes.Buffer
			if err := eventuallyProfile(t, p, w.ID, kind, &data); err != nil {
				t.Error(err)
			} else {
				checkProfile(t, kind, data.Bytes())
			}
		}
		err := p.Profile(t.Context(), w.ID, "colour", 0, io.Discard)
		if err == nil || !strings.Contains(err.Error(), `"colour"`) || !strings.Contains(err.Error(), "goroutine") {
			t.Errorf("unknown kind: %v", err)
		}
	}
	task.letGo()
	if _, err := f.Get(t.Context()); err != nil {
		t.Error(err)
	}
	if err := p.Profile(t.Context(), 99, "heap", 0, io.Discard); err == nil || !strings.Contains(err.Error(), "99") {
		t.Errorf("unknown worker: %v", err)
	}
	checkUsable(t, p)
}

// eventuallyProfile waits until a worker that has just been started gives a profile.
func eventuallyProfile(t *testing.T, p *Pool, id int, kind string, to io.Writer) (err error) {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if p.supervisor.findWorker(id) != nil {
			break
		}
	}
	return p.Profile(t.Context(), id, kind, 20*time.Millisecond, to)
}

type badWriter struct{}

func (badWriter) Write([]byte) (int, error) { return 0, errInput }

func TestProfileFails(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	id := p.Workers()[0].ID
	because := errors.New("because")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(10*time.Millisecond, func() { cancel(because) })
	if err := p.Profile(ctx, id, "cpu", time.Minute, io.Discard); !errors.Is(err, because) {
		t.Errorf("its context ended: %v", err)
	}
	if err := p.Profile(t.Context(), id, "cpu", time.Millisecond, io.Discard); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("two at once: %v", err)
	}
	if err := p.Profile(t.Context(), id, "heap", 0, badWriter{}); !errors.Is(err, errInput) {
		t.Errorf("a writer that fails: %v", err)
	}
	if _, err := exitNow.Apply(t.Context(), p, 1, Retries(0)); err == nil {
		t.Error("it lives on")
	}
	if err := p.Profile(t.Context(), id, "heap", 0, io.Discard); err == nil {
		t.Error("profile of a worker that died")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Profile(t.Context(), 2, "heap", 0, io.Discard); err == nil {
		t.Error("profile after Close")
	}
}
