package mapreduce

import (
	"fmt"
	"os"
	"strconv"
)

// A worker may have a pool of its own, and the workers of that too; a program that does so by mistake must not fill the
// machine.
const (
	maxDepth      = 4
	depthVariable = "MRRUN_DEPTH"
)

func depth() int {
	n, _ := strconv.Atoi(os.Getenv(depthVariable)) // unset: this is the first
	return n
}

// checkDepth refuses a pool, or a process, within too many others.
func checkDepth() error {
	if n := depth(); n >= maxDepth {
		return fmt.Errorf("mapreduce: this process is a worker of a worker, %d deep, and may have no pool and no process: is NewPool or Start called in a task by mistake?", n)
	}
	return nil
}
