package proc

import (
	"cmp"
	"os"
)

// A worker's command line says for ps which worker it is. To the program, which may do this or that
// by its name, the name is the driver's, from the beginning on.
func init() {
	if Marked() {
		os.Args[0] = cmp.Or(os.Getenv(nameVariable), os.Args[0])
	}
}
