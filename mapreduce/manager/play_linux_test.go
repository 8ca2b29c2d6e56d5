package manager

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	keyVariable   = "MANAGER_TEST_KEY"
	playedSilence = 2 * time.Second // the Silence of servers and clients that are played
)

// A program is this test binary while it plays a scenario. It reads lines from its standard input,
// and ends when that ends.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *os.File
	lines  *bufio.Reader
	stderr bytes.Buffer
}

// play starts a scenario. It returns the error of the system if that fails.
func play(t *testing.T, scenario string, key []byte, attr *syscall.SysProcAttr) (*program, error) {
	t.Helper()
	out, stdout, err := os.Pipe()
	check(t, err)
	defer stdout.Close()
	p := &program{t: t, cmd: exec.Command(os.Args[0]), out: out, lines: bufio.NewReader(out)}
	p.cmd.Env = append(os.Environ(), scenarioVariable+"="+scenario, keyVariable+"="+string(key), "GORACE=atexit_sleep_ms=0")
	p.cmd.SysProcAttr = attr
	p.cmd.Stdout, p.cmd.Stderr = stdout, &p.stderr
	p.in, err = p.cmd.StdinPipe()
	check(t, err)
	if err := p.cmd.Start(); err != nil {
		_ = out.Close()
		return nil, err
	}
	t.Cleanup(p.end)
	return p, nil
}

// end fails the test unless the program ends without an error.
func (p *program) end() {
	_ = p.in.Close()
	late := time.AfterFunc(20*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the program ends with %v:\n%s", err, &p.stderr)
	}
	_ = p.out.Close()
}

func (p *program) say(line string) {
	p.t.Helper()
	_, err := fmt.Fprintln(p.in, line)
	check(p.t, err)
}

// hear returns what follows word in the program's next line, which must begin with it.
func (p *program) hear(word string) string {
	p.t.Helper()
	_ = p.out.SetReadDeadline(time.Now().Add(20 * time.Second))
	line, err := p.lines.ReadString('\n')
	rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), word+" ")
	if err != nil || !ok {
		p.t.Fatalf("it says %q, %v, instead of %s", line, err, word)
	}
	return rest
}

func init() {
	scenarios["server"] = func() { playServer(Silence(playedSilence)) }
	scenarios["patient server"] = func() { playServer() }
}

// playServer serves both locally and on the address that it reads.
func playServer(opts ...Option) {
	in := bufio.NewScanner(os.Stdin)
	in.Scan()
	remote := must1(Listen("tcp", in.Text(), []byte(os.Getenv(keyVariable))))
	local := must1(ListenLocal())
	srv := NewServer(opts...)
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { must1(0, srv.Serve(ctx, remote)) })
	serving.Go(func() { must1(0, srv.Serve(ctx, local)) })
	fmt.Println("remote", remote.Addr())
	fmt.Println("local", Address(local))
	for in.Scan() { // answers each line with the number of objects
		srv.mu.Lock()
		fmt.Println("objects", len(srv.objects))
		srv.mu.Unlock()
	}
	stop()
	serving.Wait()
}
