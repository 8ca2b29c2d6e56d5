package factorial

import (
	"context"
	"errors"
	"testing"
)

func TestAwait(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	if got, err := await(ctx, func() int { return 7 }); got != 7 || err != nil {
		t.Errorf("got %d, %v, want 7", got, err)
	}
	never := make(chan int)
	defer close(never)
	stop := errors.New("stop")
	cancel(stop)
	if _, err := await(ctx, func() int { return <-never }); err != stop {
		t.Errorf("got %v, want %v", err, stop)
	}
}
