package mapreduce

import (
	"fmt"
	"os"
	"strconv"
)

// A worker may have a pool of its own, and its workers may too. The depth is limited, since a
// program that does this by mistake must not fill the machine.
const (
	maxDepth      = 4
	depthVariable = "MRRUN_DEPTH"
)

func depth() int {
	n, _ := strconv.Atoi(os.Getenv(depthVariable)) // unset: this is the first process
	return n
}

// checkDepth returns an error if this process is nested too deep to have a pool or a process.
func checkDepth() error {
	if n := depth(); n >= maxDepth {
		return fmt.Errorf("mapreduce: this process is a worker of a worker, %d deep, and may have no pool and no process: is NewPool or Start called in a task by mistake?", n)
	}
	return nil
}
