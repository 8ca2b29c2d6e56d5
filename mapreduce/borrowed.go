package mapreduce

import "unsafe"

// Borrowed returns a string that lies in b, for the emit of a [Mapper], which reads a key only
// during the call: a copy of each key would cost more than all that emit does. The string changes
// when b changes, so nothing else may keep it.
func Borrowed(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
