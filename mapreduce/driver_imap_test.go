//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"mrrun/mapreduce/internal/schedule"
)

// A blocking input yields some items and then blocks until it is released.
type blocking struct {
	letGo chan struct{}
	left  chan struct{} // closed when the input has returned
}

func newBlocking() *blocking { return &blocking{make(chan struct{}), make(chan struct{})} }

func (s *blocking) after(items int) func(func(int) bool) {
	return func(yield func(int) bool) {
		defer close(s.left)
		for n := range items {
			if !yield(n) {
				return
			}
		}
		<-s.letGo
		for yield(items) {
		}
	}
}

// An iteration ends with its context or its pool, even while its input blocks; the input ends at
// its next step.
func TestImapEndsWhileItsInputBlocks(t *testing.T) {
	for _, unordered := range []bool{false, true} {
		for how, end := range map[string]func(p *Pool, cancel func(error)){
			"context":   func(_ *Pool, cancel func(error)) { cancel(errEnd) },
			"terminate": func(p *Pool, _ func(error)) { p.Terminate() },
		} {
			p := newPool(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			in := newBlocking()
			var last error
			seen := 0
			soon(t, how, func() {
				each := func(err error) {
					last = err
					if seen++; seen == 5 {
						go end(p, cancel)
					}
				}
				if unordered {
					for _, err := range echo.ImapUnordered(ctx, p, in.after(5)) {
						each(err)
					}
				} else {
					for _, err := range echo.Imap(ctx, p, in.after(5)) {
						each(err)
					}
				}
			})
			if seen != 6 || how == "context" && last != errEnd || how == "terminate" && !errors.Is(last, ErrClosed) {
				t.Errorf("%s: %d results, the last error is %v", how, seen, last)
			}
			if how == "context" {
				checkUsable(t, p)
			}
			soon(t, "Close", func() { _ = p.Close() })
			close(in.letGo)
			<-in.left
			cancel(nil)
		}
	}
}

// A call that ends by itself does not wait for a blocked input either, and neither does a break
// once the context has ended.
func TestImapFailsWhileItsInputBlocks(t *testing.T) {
	p := newPool(t)
	letGo := make(chan struct{})
	in := func(yield func(tricky) bool) {
		if yield(tricky{"encode error"}) {
			<-letGo
		}
	}
	soon(t, "the loop", func() {
		if _, _, err := collect(takeTricky.Imap(t.Context(), p, in)); err == nil || !strings.Contains(err.Error(), "does not want") {
			t.Errorf("%v", err)
		}
	})
	close(letGo)
	ctx, cancel := context.WithCancel(t.Context())
	blocked := newBlocking()
	soon(t, "the break", func() {
		for range echo.Imap(ctx, p, blocked.after(1)) {
			cancel()
			break
		}
	})
	close(blocked.letGo)
	<-blocked.left
	checkUsable(t, p)
}

// A panic of an input that was left behind is reported, since no consumer can receive it.
func TestImapInputLeftBehindPanics(t *testing.T) {
	var reported lockedBuffer
	old := slog.Default()
	defer slog.SetDefault(old)
	slog.SetDefault(slog.New(slog.NewTextHandler(&reported, nil)))
	p := newPool(t)
	ctx, cancel := context.WithCancel(t.Context())
	letGo, gone := make(chan struct{}), make(chan struct{})
	in := func(yield func(int) bool) {
		defer close(gone)
		yield(0)
		<-letGo
		panic("too late")
	}
	soon(t, "the loop", func() {
		for range echo.Imap(ctx, p, in) {
			cancel()
		}
	})
	close(letGo)
	<-gone
	eventually(t, hangLimit, func() error {
		if got := reported.String(); !strings.Contains(got, "too late") {
			return fmt.Errorf("reported: %q", got)
		}
		return nil
	})
}

// The window of large items is bounded by their bytes.
func TestImapTakesAWindowOfBytes(t *testing.T) {
	const each = 1 << 20
	p := newPool(t)
	for _, test := range []struct{ size, most, least int }{
		{each, schedule.WindowBytes/each + 2, schedule.WindowBytes/each - 4},
		{10, minWindow + 1, minWindow - 4}, // the control
	} {
		var taken atomic.Int64
		in := func(yield func([]byte) bool) {
			for yield(make([]byte, test.size)) {
				taken.Add(1)
			}
		}
		yielded := 0
		for _, err := range length.Imap(t.Context(), p, in) {
			if err != nil {
				t.Fatal(err)
			}
			if yielded++; yielded < 10 {
				continue
			}
			eventually(t, hangLimit, func() error {
				if ahead := int(taken.Load()) - yielded; ahead < test.least {
					return fmt.Errorf("items of %d bytes: %d are taken and not yielded, want %d", test.size, ahead, test.least)
				}
				return nil
			})
			for range 1000 {
				runtime.Gosched()
			}
			if ahead := int(taken.Load()) - yielded; ahead > test.most {
				t.Fatalf("items of %d bytes: %d are taken and not yielded", test.size, ahead)
			}
			if yielded == 15 {
				break
			}
		}
	}
}

// Items that an Imap takes before it knows their size arrive anyway, whatever the chunk size.
func TestImapOfFewItems(t *testing.T) {
	p := newPool(t)
	for _, size := range []int{1, 3, 5000} {
		for _, n := range []int{1, 2, 3, 4, 5, 9, 30} {
			got, _, err := collect(echo.Imap(t.Context(), p, slices.Values(numbers(n)), Chunksize(size)))
			if err != nil || !slices.Equal(got, numbers(n)) {
				t.Errorf("%d items in chunks of %d: %v, %v", n, size, got, err)
			}
		}
	}
}
