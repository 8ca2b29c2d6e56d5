package proc

import (
	"fmt"
	"syscall"
)

// applyLimits takes the limits of a [Spec] upon this process, but for that of its memory, which comes later.
func applyLimits(limits string) (memory int64, err error) {
	var nice, cpu int
	if _, err := fmt.Sscanf(limits, "%d:%d:%d", &memory, &nice, &cpu); err != nil {
		return 0, fmt.Errorf("%s=%q: %w", limitsVariable, limits, err)
	}
	if nice != 0 {
		if err := syscall.Setpriority(syscall.PRIO_PGRP, 0, nice); err != nil {
			return 0, fmt.Errorf("set the priority to nice %d: %w", nice, err)
		}
	}
	if cpu > 0 {
		if err := pin(cpu - 1); err != nil {
			return 0, fmt.Errorf("pin to processor %d: %w", cpu-1, err)
		}
	}
	return memory, nil
}
