//go:build !linux

package stream

func writeByte(uintptr) {}

func hungUp(uintptr) bool { return true }
