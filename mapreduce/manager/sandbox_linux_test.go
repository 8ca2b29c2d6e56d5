package manager

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"mrrun/internal/faulty"
	"mrrun/mapreduce"
)

func init() {
	scenarios["no memfd"] = func() {
		mapreduce.Main(func(ctx context.Context) error {
			if err := faulty.RefuseMemfd(syscall.EPERM); err != nil {
				return err
			}
			m, err := Start(ctx)
			if err != nil {
				return err
			}
			v, err := NewValue(ctx, m, 1)
			if err != nil {
				return err
			}
			n, err := v.Add(ctx, 41)
			fmt.Println("value", n)
			return errors.Join(err, v.Close(), m.Close())
		})
	}
}

// Where the system gives no shared memory, a manager is reached through its socket.
func TestNoMemfd(t *testing.T) {
	p, err := play(t, "no memfd", nil, nil)
	check(t, err)
	equal(t, "its value", p.hear("value"), "42")
}
