package proc

import (
	"testing"
	"time"
)

// testNote returns a note that is closed at the end of the test.
func testNote(t *testing.T) *Note {
	t.Helper()
	f, err := anonymousFile("test", firstPage)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mapMemory(f)
	if err != nil {
		t.Fatal(err)
	}
	n := newNote(m)
	t.Cleanup(n.Close)
	return n
}

// A finished item does not run any more, and is to blame until its answer has left.
func TestNoteOfFinishedItem(t *testing.T) {
	n := testNote(t)
	check := func(when string, running, busy bool) {
		t.Helper()
		tag, item, ok := n.Running()
		if ok != running || ok && (tag != 1<<32-1 || item != 1<<31-1) {
			t.Errorf("%s: runs item %d of %d, %v", when, item, tag, ok)
		}
		tag, item, ok = n.Busy()
		if ok != busy || ok && (tag != 1<<32-1 || item != 1<<31-1) {
			t.Errorf("%s: is busy with item %d of %d, %v", when, item, tag, ok)
		}
	}
	check("at first", false, false)
	n.Set(1<<32-1, 1<<31-1)
	check("set", true, true)
	n.Finish()
	check("finished", true, false)
	n.Clear()
	check("cleared", false, false)
}

func TestStopwatch(t *testing.T) {
	var s Stopwatch
	now := time.Now().Add(time.Hour)
	if s.Total(now) != 0 {
		t.Error("it goes before it is started")
	}
	s.Start()
	s.Start()
	s.Stop()
	if d := s.Total(now); d < 59*time.Minute || d > time.Hour {
		t.Errorf("%v after an hour", d)
	}
	s.Stop()
	if d := s.Total(now); d > time.Minute || d != s.Total(now.Add(time.Hour)) {
		t.Errorf("it goes on: %v", d)
	}
}
