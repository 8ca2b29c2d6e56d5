package proc

import (
	"strings"
	"testing"
)

const cgoDump = `before
SIGSEGV: segmentation violation
PC=0x63b280 m=6 sigcode=1 addr=0x8
signal arrived during cgo execution

goroutine 1 gp=0x11b52c6241e0 m=6 mp=0x11b52c6b8808 [syscall]:
runtime.cgocall(0x63b280, 0x11b52c66baa0)
	/go/src/runtime/cgocall.go:167 +0x4b fp=0x11b52c66ba78 sp=0x11b52c66ba40 pc=0x488d2b
main._Cfunc_crash()
	_cgo_gotypes.go:46 +0x3a fp=0x11b52c66baa0 sp=0x11b52c66ba78 pc=0x61f07a
main.init.func1({0x11b52c6342a8?, 0x0?})
	/x/main.go:14 +0x3c fp=0x11b52c66bae8 sp=0x11b52c66baa0 pc=0x61ee9c
mrrun/mapreduce.(*Task[...]).callSafely(0x11b52c66bbd8?, 0x426674?)
	/mrrun/mapreduce/task.go:139 +0x74 fp=0x11b52c66bb70 sp=0x11b52c66bae8 pc=0x623234
main.main()
	/x/main.go:25 +0x1a fp=0x11b52c66bf48 sp=0x11b52c66bf30 pc=0x61f0ba
runtime.goexit({})
	/go/src/runtime/asm_amd64.s:1771 +0x1 fp=0x11b52c66bfe8 sp=0x11b52c66bfe0 pc=0x493981

goroutine 2 gp=0x11b52c624d20 m=nil [force gc (idle)]:
runtime.gopark(0x0?, 0x0?, 0x0?, 0x0?, 0x0?)
	/go/src/runtime/proc.go:462 +0xce fp=0x11b52c658fa8 sp=0x11b52c658f88 pc=0x48bdae
created by runtime.init.7 in goroutine 1
	/go/src/runtime/proc.go:363 +0x1a

rax    0x0
rflags 0x10206
after (it)
`

func TestBrief(t *testing.T) {
	t.Setenv("GOTRACEBACK", "")
	for name, tt := range map[string]struct{ words, want string }{
		"cgo": {cgoDump, `before
SIGSEGV: segmentation violation
signal arrived during cgo execution

goroutine 1 gp=0x11b52c6241e0 m=6 mp=0x11b52c6b8808 [syscall]:
main._Cfunc_crash()
	_cgo_gotypes.go:46
main.init.func1({0x11b52c6342a8?, 0x0?})
	/x/main.go:14
after (it)
(18 more lines: GOTRACEBACK=all shows them)`},
		"a thread's stack": {"fatal error: stack overflow\n\nruntime stack:\nruntime.throw({0x4ae648?})\n\t/go/panic.go:1229\n\ngoroutine 23 [running]:\nmain.f(0x1)\n\t/x/main.go:19\n",
			"fatal error: stack overflow\n\ngoroutine 23 [running]:\nmain.f(0x1)\n\t/x/main.go:19\n(4 more lines: GOTRACEBACK=all shows them)"},
		"no goroutine runs": {"SIGABRT: abort\nPC=0x1 m=0 sigcode=0\n\ngoroutine 0 gp=0x1 m=0 mp=0x2 [idle]:\nruntime.futex(0x1)\n\t/go/futex.s:1\n\ngoroutine 1 [chan receive]:\nmain.main()\n\t/x/main.go:1\n",
			"SIGABRT: abort\n\ngoroutine 1 [chan receive]:\nmain.main()\n\t/x/main.go:1\n(5 more lines: GOTRACEBACK=all shows them)"},
		"a panic of two lines": {"panic: one\n\ttwo\n\ngoroutine 7 [running]:\nmain.f()\n\t/x/main.go:1\ncreated by main.g in goroutine 1\n\t/x/main.go:2\n",
			"panic: one\n\ttwo\n\ngoroutine 7 [running]:\nmain.f()\n\t/x/main.go:1\ncreated by main.g in goroutine 1\n\t/x/main.go:2"},
		"no crash": {"goroutine 7 is here\n\nmain.f()\n\trax 0x0\nPC=1", "goroutine 7 is here\n\nmain.f()\n\trax 0x0\nPC=1"},
		"nothing":  {"", ""},
	} {
		if got := Brief(tt.words); got != tt.want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, tt.want)
		}
	}
	t.Setenv("GOTRACEBACK", "all")
	if got := Brief(cgoDump); got != cgoDump {
		t.Errorf("with GOTRACEBACK=all:\n%s", got)
	}
}

// Recursion may be deep.
func TestBriefOfRecursion(t *testing.T) {
	t.Setenv("GOTRACEBACK", "")
	got := Brief("fatal error: stack overflow\n\ngoroutine 1 [running]:\n" + strings.Repeat("main.f(0x1)\n\t/x/main.go:19 +0x1\n", 50) + "...additional frames elided...\n")
	if strings.Count(got, "main.f") != maxFrames {
		t.Errorf("%s", got)
	}
}

func TestExitAfterSignal(t *testing.T) {
	for _, tt := range []struct {
		exit Exit
		want string
	}{
		{Exit{Code: 2, Stderr: cgoDump}, "exit status 2 after SIGSEGV in C code"},
		{Exit{Code: 2, Stderr: "SIGQUIT: quit\nPC=0x1"}, "exit status 2 after SIGQUIT"},
		{Exit{Code: 2, Stderr: "panic: SIGSEGV: no\n"}, "exit status 2"},
		{Exit{Code: 1, Stderr: cgoDump}, "exit status 1"},
	} {
		if got := tt.exit.String(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
