// Package cores tells how many processors there are for workers to share.
package cores

import "runtime"

// Usable returns how many processors this process may use at once. The runtime knows about affinity
// and the limit of a cgroup, and the user may set a lower number by GOMAXPROCS.
func Usable() int { return runtime.GOMAXPROCS(0) }
