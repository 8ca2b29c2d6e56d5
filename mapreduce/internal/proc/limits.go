package proc

import (
	"fmt"
	"syscall"
)

// applyLimits takes the limits of a [Spec] upon this process.
func applyLimits(limits string) error {
	var memory uint64
	var nice, cpu int
	if _, err := fmt.Sscanf(limits, "%d:%d:%d", &memory, &nice, &cpu); err != nil {
		return fmt.Errorf("%s=%q: %w", limitsVariable, limits, err)
	}
	if memory > 0 {
		if err := limitMemory(memory); err != nil {
			return fmt.Errorf("limit memory to %d bytes: %w", memory, err)
		}
	}
	if nice != 0 {
		if err := syscall.Setpriority(syscall.PRIO_PGRP, 0, nice); err != nil {
			return fmt.Errorf("set the priority to nice %d: %w", nice, err)
		}
	}
	if cpu > 0 {
		if err := pin(cpu - 1); err != nil {
			return fmt.Errorf("pin to processor %d: %w", cpu-1, err)
		}
	}
	return nil
}
