// Package cores tells how many processors there are to share among workers.
package cores

import "runtime"

// Usable returns how many processors this process may use at once. The runtime knows of affinity and of a cgroup's limit, and
// the user may say less by GOMAXPROCS.
func Usable() int { return runtime.GOMAXPROCS(0) }
