//go:build linux

package proc

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"mrrun/transport"
)

func TestHello(t *testing.T) {
	tests := []struct {
		do      string
		noHello bool
		says    string // "" for none
	}{
		{"", false, ""},
		{"garbage", true, "said something else"},
		{"wrong kind", false, "began with a message of kind 2 instead of a hello"},
		{"old version", false, "speaks version 0 of the protocol"},
		{"silent", true, "worker 5 (pid "},
		{"silent", true, "said nothing for 1s (see StartTimeout): killed by SIGKILL"},
	}
	for _, test := range tests {
		t.Run(test.do, func(t *testing.T) {
			_, err := startTest(t, test.do, nil)
			if err == nil && test.says == "" {
				return
			}
			if err == nil || errors.Is(err, ErrNoHello) != test.noHello || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v: no %q, or not the right kind", err, test.says)
			}
		})
	}
}

// The time for which a worker is stopped does not count, however long it is.
func TestHelloOfStoppedWorker(t *testing.T) {
	const limit = 500 * time.Millisecond
	t.Setenv(doVariable, "stops")
	p, err := Start(Spec{ID: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		p.Kill()
		p.Stop(0)
		p.Close()
	}()
	awaitStopped(p)
	time.AfterFunc(2*limit, func() { _ = p.Signal(syscall.SIGCONT, false) })
	if err := p.Hello(t.Context(), transport.NewReader(p.Answers, 0), testHello, limit); err != nil {
		t.Error(err)
	}
}

func TestHelloCancelled(t *testing.T) {
	t.Setenv(doVariable, "silent")
	p, err := Start(Spec{ID: 1})
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := p.Hello(ctx, transport.NewReader(p.Answers, 0), testHello, time.Second); err != why {
		t.Errorf("error %v", err)
	}
	p.Kill()
	p.Stop(0)
	p.Answers.Close()
}

func TestCompareHello(t *testing.T) {
	with := func(tasks ...string) Hello { return Hello{Version: Version, Fingerprint: 7, Tasks: tasks} }
	tests := []struct {
		got  Hello
		says string
	}{
		{with("a", "b"), ""},
		{with("a"), "has not registered task b"},
		{with("a", "b", "c"), "has registered task c, which the driver has not"},
		{with("a", "x"), "has task x where the driver has b"},
		{Hello{Version: Version, Fingerprint: 8, Tasks: []string{"a", "b"}}, "other types"},
		{Hello{Version: 99}, "version 99"},
	}
	for _, test := range tests {
		if err := compare(test.got, testHello); (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v: error %v, want %q", test.got, err, test.says)
		}
	}
}
