package manager

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Imap ends with its context, and with an error, though its input blocks.
func TestImapLeavesABlockedInput(t *testing.T) {
	dial := serve(t)
	c := dial()
	pool := must1(NewPool(within(t), c, 1))
	cause := errors.New("out of patience")
	for name, broken := range map[string]bool{"the context ends": false, "the consumer has left": true} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(within(t))
			defer cancel(nil)
			goOn := make(chan struct{})
			fed := make(chan struct{})
			in := iter.Seq[int](func(yield func(int) bool) {
				defer close(fed)
				if yield(2) {
					<-goOn
				}
			})
			var last error
			for _, err := range remoteHalve.Imap(ctx, pool, in) {
				last = err
				time.AfterFunc(10*time.Millisecond, func() { cancel(cause) })
				if broken {
					break
				}
			}
			if !broken && !errors.Is(last, cause) {
				t.Errorf("it ended with %v", last)
			}
			close(goOn)
			<-fed
		})
	}
	check(t, pool.Close())
}

// A quitter's method ends the goroutine that it runs on.
type quitter struct{}

func (*quitter) Quit() int { runtime.Goexit(); return 0 }
func (*quitter) Stay() int { return 1 }

var quitters = Register("quitter", func() *quitter { return &quitter{} })

// A method that calls runtime.Goexit is an error of its call, and the client's next call is served.
func TestMethodThatCallsGoexit(t *testing.T) {
	dial := serve(t)
	ctx, c := within(t), dial()
	q := must1(quitters.New(ctx, c))
	if _, err := Call[int](ctx, q, "Quit"); err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "runtime.Goexit") {
		t.Errorf("%v", err)
	}
	equal(t, "the next call", must1(Call[int](ctx, q, "Stay")), 1)
}
