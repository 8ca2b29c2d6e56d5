package proc

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// unlimited is the smallest limit of threads that counts as none: reading all processes would not
// be worth the time.
const unlimited = 1 << 14

// Threads returns how many threads this user's processes have, as far as they can be seen, and how
// many they may have. limited is false if there is no limit, or a very large one.
func Threads() (used, limit int, limited bool) {
	var most unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &most); err != nil || most.Cur > unlimited || unix.Getuid() == 0 {
		return 0, 0, false
	}
	own := strconv.Itoa(unix.Getuid())
	all, _ := os.ReadDir("/proc")
	for _, process := range all {
		if name := process.Name(); name[0] < '0' || name[0] > '9' {
			continue
		}
		status, _ := os.ReadFile("/proc/" + process.Name() + "/status") // an error means that it has ended
		if statusWord(status, "Uid") == own {
			n, _ := strconv.Atoi(statusWord(status, "Threads"))
			used += n
		}
	}
	return used, int(most.Cur), true
}
