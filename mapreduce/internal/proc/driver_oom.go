package proc

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// OOMKills counts the processes that the kernel has killed in this process's memory cgroup because
// there was no memory left. It tells such a death from any other by SIGKILL. The zero value is
// ready; it is safe for concurrent use.
type OOMKills struct {
	File string // with a line "oom_kill N"; empty: that of this process's cgroup

	once sync.Once
	mu   sync.Mutex
	seen int // deaths that are accounted for
}

var oomKills OOMKills

// SetOOMFile makes the count come from another file, for a test, until restore is called.
func SetOOMFile(file string) (restore func()) {
	oomKills = OOMKills{File: file}
	return func() { oomKills = OOMKills{} }
}

// begin notes the count before any worker has died.
func (k *OOMKills) begin() {
	k.once.Do(func() {
		if k.File == "" {
			k.File = oomFile()
		}
		k.seen = k.count()
	})
}

// claim reports whether a death is accounted for by the count, which has risen then since the last
// claim.
func (k *OOMKills) claim() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.count()
	if now <= k.seen {
		return false
	}
	k.seen++
	return true
}

func (k *OOMKills) count() int {
	text, err := os.ReadFile(k.File)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, "oom_kill "); ok {
			count, _ := strconv.Atoi(strings.TrimSpace(n))
			return count
		}
	}
	return 0
}

// oomFile returns the file in which the kernel counts, of either version of cgroups.
func oomFile() string {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	unified := ""
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3) // ID:CONTROLLERS:PATH
		switch {
		case len(parts) < 3:
		case parts[1] == "memory":
			return inCgroup("/sys/fs/cgroup/memory", parts[2], "memory.oom_control")
		case parts[1] == "":
			unified = inCgroup("/sys/fs/cgroup", parts[2], "memory.events")
		}
	}
	return unified
}

// inCgroup returns the path of a file of the group. In a container whose cgroup is mounted as the
// root of all, that is the root's.
func inCgroup(root, group, name string) string {
	path := filepath.Join(root, group, name)
	if _, err := os.Stat(path); err != nil {
		return filepath.Join(root, name)
	}
	return path
}
