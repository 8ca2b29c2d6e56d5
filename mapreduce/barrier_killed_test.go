//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"mrrun/shared"
)

// A party is a process that comes to a barrier or does something else instead.
type party struct {
	Barrier *shared.Barrier
	Instead string
}

// attend reports whether the barrier was broken.
var attend = FuncContext(func(ctx context.Context, p party) (broken bool, err error) {
	switch p.Instead {
	case "hang":
		select {}
	case "exit":
		os.Exit(3)
	case "return":
		return false, nil
	}
	_, err = p.Barrier.Wait(ctx)
	if errors.Is(err, shared.ErrBroken) {
		return true, nil
	}
	return false, err
})

// A barrier does not wait for a process that died before it came. A process that returns without
// having come breaks nothing, and another may come in its place.
func TestBarrierOfKilledParty(t *testing.T) {
	for _, test := range []struct {
		instead string
		breaks  bool
	}{{"hang", true}, {"exit", true}, {"return", false}, {"", false}} {
		t.Run("instead="+test.instead, func(t *testing.T) {
			checkLeaks(t)
			b, err := shared.NewBarrier(2)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			waiter := startParty(t, b, "")
			if test.instead != "" {
				eventually(t, 20*time.Second, func() error {
					if b.Waiting() == 0 {
						return errors.New("the first party has not come")
					}
					return nil
				})
			}
			other := startParty(t, b, test.instead)
			if test.instead == "hang" {
				if err := other.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			<-other.Done()
			if test.instead == "return" {
				if _, err := b.Wait(t.Context()); err != nil {
					t.Errorf("one that came later: %v", err)
				}
			}
			if broken, err := waiter.Wait(); broken != test.breaks || err != nil {
				t.Errorf("broken: %v, %v; want %v", broken, err, test.breaks)
			}
		})
	}
}

// An item of a pool that was given up breaks its barrier, so that no process waits for it; the
// barrier of another item stays whole.
func TestBarrierOfItemGivenUp(t *testing.T) {
	checkLeaks(t)
	b, err := shared.NewBarrier(2)
	other, err2 := shared.NewBarrier(2)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	defer other.Close()
	p := newPool(t, Procs(2), silent())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got, err := attend.Map(ctx, p, []party{{b, ""}, {b, "exit"}, {other, "return"}}, Chunksize(1), Retries(0))
	lostItem(t, err, 1)
	if !got[0] || other.Broken() {
		t.Errorf("broken: %v, of another item %v", got[0], other.Broken())
	}
}

func startParty(t *testing.T, b *shared.Barrier, instead string) *Process[bool] {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Second, fmt.Errorf("party %q hangs", instead))
	t.Cleanup(cancel)
	p, err := attend.Start(ctx, party{b, instead}, silent())
	if err != nil {
		t.Fatal(err)
	}
	return p
}
