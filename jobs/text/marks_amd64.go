package text

import "golang.org/x/sys/cpu"

var hasAVX2 = cpu.X86.HasAVX2

// markGroups is [markGroupsGo], in wide registers where this CPU has them.
func markGroups(text []byte, marks []uint64) {
	if !hasAVX2 {
		markGroupsGo(text, marks)
		return
	}
	if len(marks) > 0 {
		_ = text[len(marks)*group-1]
		markGroupsAVX2(&text[0], &marks[0], len(marks))
	}
}

//go:noescape
func markGroupsAVX2(text *byte, marks *uint64, groups int)
