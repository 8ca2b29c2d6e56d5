package mapreduce

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// captureLog makes slog.Default write to the returned buffer until the end of the test.
func captureLog(t *testing.T) *bytes.Buffer {
	var text bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&text, nil)))
	t.Cleanup(func() { slog.SetDefault(old) })
	return &text
}

func TestFutureOnDone(t *testing.T) {
	reported := captureLog(t)
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	m := newMeeting(t)
	f := meet.ApplyAsync(t.Context(), p, m.place())
	task := m.await()
	var order []int // callbacks come one at a time
	note := func(i int) func(int, error) {
		return func(pid int, err error) {
			if pid != task.pid || err != nil {
				t.Errorf("callback %d got %d, %v", i, pid, err)
			}
			order = append(order, i)
		}
	}
	f.OnDone(note(0))
	begun, goOn := make(chan bool), make(chan bool)
	f.OnDone(func(int, error) { panic("a callback that fails") })
	f.OnDone(func(int, error) { close(begun); <-goOn })
	f.OnDone(note(1))
	task.letGo()
	<-begun
	f.OnDone(note(2)) // it is ready, and another callback runs
	f.OnDone(note(3))
	go func() {
		time.Sleep(20 * time.Millisecond) // Close waits
		close(goOn)
	}()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if want := []int{0, 1, 2, 3}; !slices.Equal(order, want) {
		t.Errorf("callbacks ran: %v", order)
	}
	if text := reported.String(); !strings.Contains(text, "a callback that fails") || !strings.Contains(text, "TestFutureOnDone") {
		t.Errorf("reported: %s", text)
	}
	late := make(chan bool)
	f.OnDone(func(int, error) { close(late) })
	<-late
}

func TestFutureOnDoneWhileClosing(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	f := echo.ApplyAsync(t.Context(), p, 1)
	<-f.Done()
	var callbacks, closing sync.WaitGroup
	closing.Go(func() { p.Close() })
	for range 100 {
		callbacks.Add(1)
		f.OnDone(func(int, error) { callbacks.Done() })
	}
	callbacks.Wait()
	closing.Wait()
}
