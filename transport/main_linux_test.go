package transport

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"mrrun/internal/shm"
)

// helperVariable makes the test binary a helper: "NAME TAG ARGUMENT", the argument being msgpack in
// hexadecimal digits.
const helperVariable = "TRANSPORT_TEST_HELPER"

func TestMain(m *testing.M) {
	if s := os.Getenv(helperVariable); s != "" {
		helper(s)
		return
	}
	os.Exit(m.Run())
}

// helpers are the functions of helpers, each defined near its tests.
var helpers = map[string]func(arg *Decoder){}

func helper(s string) {
	var name, arg string
	var tag shm.Tag
	if _, err := fmt.Sscan(s, &name, &tag, &arg); err != nil {
		panic(err)
	}
	shm.Enter(3, tag)
	body, err := hex.DecodeString(arg)
	if err != nil {
		panic(err)
	}
	helpers[name](NewDecoder(body))
}

// A helperProcess is a running helper.
type helperProcess struct {
	*exec.Cmd
	tag shm.Tag
	p   *shm.Process
}

// startHelper starts a helper with an argument and returns when the helper has said that it is
// ready.
func startHelper(tb testing.TB, name string, arg any) *helperProcess {
	tb.Helper()
	p, err := shm.Self()
	mustNot(tb, err)
	tag, err := p.Reserve()
	mustNot(tb, err)
	e := NewEncoder(nil)
	mustNot(tb, e.mp.Encode(arg))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"="+fmt.Sprintf("%s %d %x", name, tag, e.Bytes()))
	cmd.ExtraFiles = []*os.File{p.Table().File()}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	mustNot(tb, err)
	mustNot(tb, cmd.Start())
	var s string
	if _, err := fmt.Fscanln(out, &s); err != nil || s != "ready" {
		tb.Fatalf("helper says %q, %v", s, err)
	}
	return &helperProcess{cmd, tag, p}
}

// end waits until the helper has ended, and reaps it.
func (h *helperProcess) end(tb testing.TB) {
	tb.Helper()
	if err := h.Wait(); err != nil {
		tb.Errorf("helper: %v", err)
	}
	h.p.Table().Reap(h.tag)
}

// kill kills the helper, which must not have ended by itself.
func (h *helperProcess) kill(tb testing.TB) {
	tb.Helper()
	h.Process.Kill()
	_ = h.Wait()
	if s := h.ProcessState.String(); s != "signal: killed" {
		tb.Errorf("a helper ended by itself: %s", s)
	}
	h.p.Table().Reap(h.tag)
}

func ready() { fmt.Println("ready") }

func mustNot(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// descriptors counts the open files of this process.
func descriptors(tb testing.TB) int {
	tb.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	mustNot(tb, err)
	return len(files)
}
