package mapreduce

import (
	"fmt"
	"time"
)

const (
	// restartsAllowed within restartPeriod is far more deaths than a machine in trouble causes, and
	// far fewer than a worker causes that dies whenever it has answered.
	restartsAllowed = 200
	restartPeriod   = 10 * time.Second
)

// RestartIntensity sets how many workers may die within a period, through no fault of an item,
// before the pool gives up: current and later calls then return an error that describes the last
// death, in which [errors.As] finds its [WorkerLostError]. 0 means that the first such death ends
// the pool. The default is 200 within 10 seconds, or twice the number of workers if that is more.
//
// A worker that dies while it runs an item does not count: see [Retries]. Nor does one that the
// pool ended itself.
func RestartIntensity(n int, period time.Duration) PoolOption {
	return poolFunc(func(o *poolOptions) error {
		if n < 0 || period <= 0 {
			return fmt.Errorf("mapreduce: RestartIntensity(%d, %v): the number must be at least 0, and the period positive", n, period)
		}
		o.restarts, o.restartPeriod = n, period
		return nil
	})
}

// diedOf counts the death of a worker for which no item is to blame. It returns the error with
// which to give up the pool, or nil while such deaths are few.
func (s *supervisor) diedOf(lost *WorkerLostError, now time.Time) error {
	most, period := s.options.restarts, s.options.restartPeriod
	if period == 0 {
		most, period = max(restartsAllowed, 2*s.size()), restartPeriod
	}
	s.deaths = append(s.deaths, now)
	if over := len(s.deaths) - most - 1; over > 0 {
		s.deaths = s.deaths[over:]
	}
	if len(s.deaths) <= most || now.Sub(s.deaths[0]) > period {
		return nil
	}
	return fmt.Errorf("mapreduce: %d workers died within %v and no item is to blame (see RestartIntensity); the last: %w",
		len(s.deaths), now.Sub(s.deaths[0]).Round(time.Millisecond), lost)
}
