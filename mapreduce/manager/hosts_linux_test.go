package manager

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mrrun/shared"
)

// A host is a program with a network of its own: a network namespace, which ends with the program.
type host struct {
	*program
	address string
}

// twoHosts starts two programs and connects them by a pair of virtual Ethernet devices.
func twoHosts(t *testing.T, key []byte) (server, client host) {
	t.Helper()
	for command, of := range map[string]string{"ip": "iproute2", "nsenter": "util-linux"} {
		if _, err := exec.LookPath(command); err != nil {
			cannot(t, fmt.Errorf("it takes the command %s, of the package %s: %w", command, of, err))
		}
	}
	server, client = newHost(t, "server", key, "10.77.0.1"), newHost(t, "client", key, "10.77.0.2")
	server.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(client.cmd.Process.Pid))
	for _, h := range []host{server, client} {
		h.run("ip", "address", "add", h.address+"/24", "dev", "eth0")
		h.run("ip", "link", "set", "eth0", "up")
	}
	return server, client
}

func newHost(t *testing.T, scenario string, key []byte, address string) host {
	t.Helper()
	p, err := play(t, scenario, key, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET})
	if errors.Is(err, os.ErrPermission) {
		cannot(t, fmt.Errorf("it takes a process that may make network namespaces, as root does: %w", err))
	}
	check(t, err)
	return host{p, address}
}

// cannot skips the test for a reason, but fails it where all tests must run.
func cannot(t *testing.T, reason error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// run runs a command on the host's network.
func (h host) run(command ...string) {
	h.t.Helper()
	pid := strconv.Itoa(h.cmd.Process.Pid)
	out, err := exec.Command("nsenter", append([]string{"--target", pid, "--net", "--"}, command...)...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("%v: %v: %s", command, err, out)
	}
}

// on calls f on the host: the sockets that f makes are the host's.
func (h host) on(f func()) {
	h.t.Helper()
	runtime.LockOSThread()
	here, there := must1(os.Open("/proc/thread-self/ns/net")), must1(os.Open(fmt.Sprintf("/proc/%d/ns/net", h.cmd.Process.Pid)))
	defer here.Close()
	defer there.Close()
	check(h.t, unix.Setns(int(there.Fd()), unix.CLONE_NEWNET))
	defer func() {
		check(h.t, unix.Setns(int(here.Fd()), unix.CLONE_NEWNET))
		runtime.UnlockOSThread() // otherwise the thread ends with this goroutine
	}()
	f()
}

// cut loses what the host sends to another, without notice: it goes to a device that does not
// exist. A device that is taken down, or a filter that refuses, would tell the host itself at once.
func (h host) cut(to host) {
	h.run("ip", "neighbour", "replace", to.address, "lladdr", "02:00:00:00:00:77", "dev", "eth0", "nud", "permanent")
}

// mend undoes cut.
func (h host) mend(to host) { h.run("ip", "neighbour", "delete", to.address, "dev", "eth0") }

func init() { scenarios["client"] = playClient }

// playClient works with the server whose address it reads, until the server is lost, and again when
// it reads that the server is back.
func playClient() {
	in := bufio.NewScanner(os.Stdin)
	in.Scan()
	address, key := in.Text(), []byte(os.Getenv(keyVariable))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	work := func() *Client {
		c := must1(DialRemote(ctx, "tcp", address, key, Silence(playedSilence)))
		v := must1(NewValue(ctx, c, 0, Named("value")))
		for range 99 {
			must1(v.Add(ctx, 1))
		}
		fmt.Println("sum", must1(v.Add(ctx, 1)))
		return c
	}
	c := work()
	must1(0, must1(NewLock(ctx, c, Named("lock"))).Lock(ctx))
	event := must1(NewEvent(ctx, c))
	fmt.Println("waiting", true)
	err := event.Wait(ctx)
	fmt.Println("lost", errors.Is(err, ErrLost))
	_ = c.Close()
	_, err = DialRemote(ctx, "tcp", address, key, Greeting(200*time.Millisecond))
	fmt.Println("unreachable", err != nil)
	in.Scan()
	c = work()
	for in.Scan() {
	}
	_ = c.Close()
}

// TestTwoHosts cuts the cable between a client and its manager. Both notice within the time set by
// Silence.
func TestTwoHosts(t *testing.T) {
	ctx := within(t)
	key := NewKey()
	server, client := twoHosts(t, key)
	server.say(server.address + ":0")
	client.say(server.hear("remote"))
	var witness *Client
	server.on(func() { witness = must1(Dial(ctx, server.hear("local"), Silence(playedSilence))) })
	defer witness.Close()
	equal(t, "sum", client.hear("sum"), "100")
	equal(t, "waiting", client.hear("waiting"), "true")
	lock := must1(NewLock(ctx, witness, Named("lock")))
	held, err := lock.TryLock()
	equal(t, "the lock is to be had", held, false)
	check(t, err)

	cut := time.Now()
	server.cut(client)
	client.cut(server)
	released := make(chan time.Duration)
	go func() {
		wants(t, "the lock", lock.Lock(ctx), shared.ErrOwnerDied)
		released <- time.Since(cut)
	}()
	equal(t, "the call under way is lost", client.hear("lost"), "true")
	for what, after := range map[string]time.Duration{"the call is lost": time.Since(cut), "the lock is released": <-released} {
		t.Logf("%s %v after the cut, with a silence of %v", what, after, playedSilence)
		if after > 4*playedSilence { // usually it is 5/4; TCP itself would take minutes
			t.Error("that is too late")
		}
	}
	lock.MarkConsistent()
	lock.Unlock()
	equal(t, "unreachable", client.hear("unreachable"), "true")

	server.mend(client)
	client.mend(server)
	client.say("mended")
	equal(t, "sum", client.hear("sum"), "200")
}
