package manager

import (
	"context"
	"errors"
	flags "flag"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mrrun/mapreduce"
)

var soak = flags.Duration("soak", 3*time.Second, "how long TestSoak goes on; more than 9m takes a -timeout too")

// A crowd is the many clients that use one manager in a soak test.
type crowd struct {
	t             *testing.T
	local, remote string
	key           []byte

	visits, tlsVisits, strangers, killed, ended atomic.Int64
}

// visitLocally connects, does something and leaves.
func (w *crowd) visitLocally(ctx context.Context) error {
	c, err := Dial(ctx, w.local, Silence(playedSilence))
	if err != nil {
		return err
	}
	w.visits.Add(1)
	return w.visitBy(ctx, c)
}

func (w *crowd) visitRemotely(ctx context.Context) error {
	c, err := DialRemote(ctx, "tcp", w.remote, w.key, Silence(playedSilence))
	if err != nil {
		return err
	}
	w.tlsVisits.Add(1)
	return w.visitBy(ctx, c)
}

// visitBy leaves at random in the middle of calls.
func (w *crowd) visitBy(ctx context.Context, c *Client) error {
	v, err := visit(ctx, c)
	if err == nil {
		err = v.stir(ctx, 1+rand.IntN(50))
	}
	if rand.IntN(2) == 0 {
		return errors.Join(err, c.Close())
	}
	var other sync.WaitGroup
	other.Go(func() { _ = v.stir(ctx, 10) })
	_ = c.Close()
	other.Wait()
	return err
}

// comeAsStranger connects to the listener for other machines without the key.
func (w *crowd) comeAsStranger(ctx context.Context) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", w.remote)
	if err != nil {
		return err
	}
	w.strangers.Add(1)
	_, _ = conn.Write(make([]byte, rand.IntN(100)))
	return conn.Close()
}

// A visitTask is the task of a process that visits.
type visitTask struct {
	Address string
	Deeds   int
}

var visitApart = mapreduce.FuncContext(func(ctx context.Context, task visitTask) (int, error) {
	c, err := Dial(ctx, task.Address, Silence(playedSilence))
	if err != nil {
		return 0, err
	}
	defer c.Close()
	v, err := visit(ctx, c)
	if err != nil {
		return 0, err
	}
	return task.Deeds, v.stir(ctx, task.Deeds)
})

// visitByProcess starts a process that visits, and kills it at random.
func (w *crowd) visitByProcess(ctx context.Context) error {
	p, err := visitApart.Start(ctx, visitTask{w.local, 100})
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
	case <-time.After(time.Duration(rand.IntN(100)) * time.Millisecond):
		_ = p.Signal(syscall.SIGKILL) // it may have ended already
	}
	_, err = p.Wait()
	if died, ok := errors.AsType[*mapreduce.ExitError](err); ok && died.Signal == syscall.SIGKILL {
		w.killed.Add(1)
		return nil
	}
	w.ended.Add(1)
	return err
}

// come starts n goroutines that visit again and again until open ends.
func (w *crowd) come(open context.Context, all *sync.WaitGroup, n int, visit func(context.Context) error) {
	for range n {
		all.Go(func() {
			for open.Err() == nil {
				if err := visit(context.Background()); err != nil {
					w.t.Error(err)
					return
				}
				time.Sleep(time.Duration(rand.IntN(4)) * time.Millisecond) // leave time for other processes
			}
		})
	}
}

// TestSoak runs a crowd of clients that come, go and are killed for as long as -soak says. In the
// end the manager must not use more than in the beginning.
func TestSoak(t *testing.T) {
	key := NewKey()
	server := must1(play(t, "server", key, nil))
	server.say("127.0.0.1:0")
	w := &crowd{t: t, key: key, remote: server.hear("remote"), local: server.hear("local")}
	ctx := context.Background()
	watch := must1(Dial(ctx, w.local, Silence(playedSilence)))
	defer watch.Close()
	before := must1(takeCensus.Call(ctx, watch, struct{}{}))

	open, stop := context.WithTimeout(ctx, *soak)
	defer stop()
	var all sync.WaitGroup
	w.come(open, &all, 4, w.visitLocally)
	w.come(open, &all, 2, w.visitRemotely)
	w.come(open, &all, 1, w.comeAsStranger)
	w.come(open, &all, 2, w.visitByProcess)
	samples := sample(open, t, watch, *soak/100)
	all.Wait()
	settles(t, watch, before)
	t.Logf("in %v: %d visits, %d over TLS, %d strangers, %d processes killed and %d not", *soak,
		w.visits.Load(), w.tlsVisits.Load(), w.strangers.Load(), w.killed.Load(), w.ended.Load())
	isFlat(t, samples)
	v := must1(visit(ctx, watch))
	check(t, v.outer.Clear(ctx))
	server.say("objects?")
	equal(t, "objects that are left", server.hear("objects"), strconv.Itoa(objectsOfVisitors))
}

// sample takes a census from time to time until open ends.
func sample(open context.Context, t *testing.T, c Conn, pause time.Duration) (all []census) {
	t.Helper()
	for {
		select {
		case <-open.Done():
			return all
		case <-time.After(pause):
		}
		now, err := takeCensus.Call(context.Background(), c, struct{}{})
		check(t, err)
		all = append(all, now)
	}
}

// isFlat compares the medians of the first and the last quarter of the samples.
func isFlat(t *testing.T, samples []census) {
	t.Helper()
	n := len(samples) / 4
	if n == 0 {
		t.Fatalf("%d samples are too few", len(samples))
	}
	first, last := samples[:n], samples[len(samples)-n:]
	for _, figure := range []struct {
		name  string
		of    func(census) int64
		slack int64 // allowed in addition to a quarter
	}{
		{"goroutines", func(c census) int64 { return int64(c.Goroutines) }, 20},
		{"descriptors", func(c census) int64 { return int64(c.Descriptors) }, 20},
		{"KiB of heap", func(c census) int64 { return c.Heap >> 10 }, 2 << 10},
		{"KiB resident", func(c census) int64 { return c.RSS >> 10 }, 16 << 10},
	} {
		if raceDetector && figure.name == "KiB resident" {
			continue // most of it belongs to the race detector
		}
		was, is := median(first, figure.of), median(last, figure.of)
		t.Logf("%s: %d in the first quarter, %d in the last", figure.name, was, is)
		if is > was+was/4+figure.slack {
			t.Errorf("%s have become too many", figure.name)
		}
	}
}

func median(samples []census, of func(census) int64) int64 {
	var all []int64
	for _, c := range samples {
		all = append(all, of(c))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
