package shm

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strconv"
)

// AvailableMemory returns about how many bytes this process could use: the smaller of what the
// system says is available and what the control groups of the process allow.
func AvailableMemory() int64 {
	available := int64(math.MaxInt64)
	info, err := os.ReadFile("/proc/meminfo")
	if kib, ok := field(info, "MemAvailable:"); ok && err == nil {
		swap, _ := field(info, "SwapFree:")
		available = (kib + swap) << 10
	}
	groups, _ := os.ReadFile("/proc/self/cgroup")
	for line := range bytes.Lines(groups) {
		if path, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("0::/")); ok {
			for group := string(path); ; group = filepath.Dir(group) {
				available = min(available, availableIn(filepath.Join("/sys/fs/cgroup", group)))
				if group == "." || group == "" {
					break
				}
			}
		}
	}
	return available
}

// availableIn returns how many bytes a control group still allows, counting the cached files that
// it could drop.
func availableIn(group string) int64 {
	limit, err := readNumber(group, "memory.max")
	used, err2 := readNumber(group, "memory.current")
	if err != nil || err2 != nil {
		return math.MaxInt64 // no such group, or no limit
	}
	stat, _ := os.ReadFile(filepath.Join(group, "memory.stat"))
	files, _ := field(stat, "inactive_file")
	more, _ := field(stat, "active_file")
	return max(0, limit-used+files+more)
}

func readNumber(dir, name string) (int64, error) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
}

// field returns the number that follows name at the beginning of a line.
func field(text []byte, name string) (int64, bool) {
	for line := range bytes.Lines(text) {
		if f := bytes.Fields(line); len(f) > 1 && string(f[0]) == name {
			n, err := strconv.ParseInt(string(f[1]), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
