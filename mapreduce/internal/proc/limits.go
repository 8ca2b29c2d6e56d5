package proc

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// applyLimits applies the limits of a [Spec] to this process. It returns the limit of its memory,
// which is applied later, and how long it keeps shared memory.
func applyLimits(limits string) (memory int64, keepShared time.Duration, err error) {
	var nice, cpu int
	if _, err := fmt.Sscanf(limits, "%d:%d:%d:%d", &memory, &nice, &cpu, &keepShared); err != nil {
		return 0, 0, fmt.Errorf("%s=%q: %w", limitsVariable, limits, err)
	}
	if nice != 0 {
		own, err := niceness()
		if err == nil {
			err = syscall.Setpriority(syscall.PRIO_PGRP, 0, own+nice) // the kernel caps it at 19
		}
		if err != nil {
			return 0, 0, fmt.Errorf("lower the priority by nice %d: %w", nice, err)
		}
	}
	if cpu > 0 {
		if err := pin(os.Getpid(), cpu-1); err != nil {
			return 0, 0, fmt.Errorf("pin to processor %d: %w", cpu-1, err)
		}
	}
	return memory, keepShared, nil
}

// Pin keeps the worker, and what it starts from now on, on processor n of those that it may use; n
// wraps around.
func (p *Process) Pin(n int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return os.ErrProcessDone
	}
	return pin(p.PID(), n)
}
