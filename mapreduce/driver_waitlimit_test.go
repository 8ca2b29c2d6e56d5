//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// checkWaited fails the test unless exactly the wanted items waited too long.
func checkWaited(t *testing.T, what string, err error, want []int) {
	t.Helper()
	failed, _ := errors.AsType[TaskErrors](err)
	if one, ok := errors.AsType[*TaskError](err); ok && failed == nil {
		failed = TaskErrors{one}
	}
	var got []int
	for _, e := range failed {
		got = append(got, e.Index)
		if !errors.Is(e, ErrWaitLimit) || errors.Is(e, ErrTimeout) {
			t.Errorf("%s: %v, want ErrWaitLimit", what, e)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: error %v, want that of the items %v", what, err, want)
	}
}

// Items that do not begin within the limit fail; those that have begun may take as long as they
// like.
func TestWaitLimit(t *testing.T) {
	checkLeaks(t)
	const limit = 50 * time.Millisecond
	for kind, option := range map[string]PoolOption{"processes": silent(), "in process": InProcess()} {
		p := newPool(t, option)
		if _, err := echo.Map(t.Context(), p, numbers(1000)); err != nil { // the pool knows how short such items are
			t.Fatal(err)
		}
		m := newMeeting(t)
		running := meet.MapAsync(t.Context(), p, []place{m.place(), m.place()}, WaitLimit(time.Hour))
		guests := []*guest{m.await(), m.await()}

		began := time.Now()
		_, err := echo.Map(t.Context(), p, numbers(5), WaitLimit(limit))
		took := time.Since(began)
		checkWaited(t, kind+", Map", err, []int{0, 1, 2, 3, 4})
		if took < limit || took > limit+slack {
			t.Errorf("%s: it took %v", kind, took)
		}
		_, err = echo.Apply(t.Context(), p, 1, WaitLimit(limit))
		checkWaited(t, kind+", Apply", err, []int{0})
		n := 0
		for _, err := range echo.Imap(t.Context(), p, slices.Values(numbers(3)), WaitLimit(limit)) {
			checkWaited(t, kind+", Imap", err, []int{n})
			n++
		}
		if n != 3 {
			t.Errorf("%s, Imap: %d items", kind, n)
		}
		_, err = echo.Map(t.Context(), p, numbers(5), WaitLimit(limit), StopAtFirst())
		checkWaited(t, kind+", StopAtFirst", err, []int{0})
		waits := echo.MapAsync(t.Context(), p, numbers(5))

		for _, g := range guests {
			g.letGo()
		}
		if _, err := running.Get(t.Context()); err != nil {
			t.Errorf("%s: what had begun: %v", kind, err)
		}
		if got, err := waits.Get(t.Context()); err != nil || !slices.Equal(got, numbers(5)) {
			t.Errorf("%s: what has no limit: %v, %v", kind, got, err)
		}
		if got, err := echo.Map(t.Context(), p, numbers(500), WaitLimit(hangTime)); err != nil || !slices.Equal(got, numbers(500)) {
			t.Errorf("%s: a free pool: %v", kind, err)
		}
		checkUsable(t, p)
	}
}

// An item does not wait behind items of its own call either: what a worker has received has begun.
func TestWaitLimitBehindItself(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(1), silent())
	m := newMeeting(t)
	future := meet.MapAsync(t.Context(), p, []place{m.place(), m.place(), m.place()}, WaitLimit(50*time.Millisecond), Timeout(time.Hour))
	first := m.await()
	eventually(t, hangTime, func() error {
		if p.Stats().Failed < 2 {
			return errors.New("no item has waited too long")
		}
		return nil
	})
	first.letGo()
	_, err := future.Get(context.Background())
	checkWaited(t, "the items behind the first", err, []int{1, 2})
}

func TestWaitLimitRefused(t *testing.T) {
	if _, err := newPoolOptions([]PoolOption{WaitLimit(-1)}); err == nil {
		t.Error("a negative limit is taken")
	}
}
