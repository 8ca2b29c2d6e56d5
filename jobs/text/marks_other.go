//go:build !amd64

package text

func markGroups(text []byte, marks []uint64) { markGroupsGo(text, marks) }
