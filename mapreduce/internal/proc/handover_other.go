//go:build !linux

package proc

import "os"

// Narrow makes a pipe as small as the system allows: here it has no effect.
func Narrow(*os.File) {}

// AwaitTaken waits until all that was written to a [Narrow] pipe has been read. Here it cannot
// tell, and returns at once.
func AwaitTaken(*os.File) error { return nil }
