package manager

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"mrrun/transport"
)

const (
	madeObjects = 7  // made by questionsTo
	questions   = 14 // returned by questionsTo
)

// FuzzClient checks that every call under way returns, whatever a server answers.
func FuzzClient(f *testing.F) {
	_, answers := recordTraffic(f)
	for i, a := range answers[1:] { // all but the greeting
		a.Tag = madeObjects + 1 + uint32(i%questions)
		f.Add(reframe(a))
	}
	var all []byte
	for i := range questions {
		all = append(all, frame(kindResult, uint32(madeObjects+1+i), func(e *transport.Encoder) { e.Uint(1) })...)
	}
	f.Add(all)
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		near, far := socketPair(t)
		came := make(chan struct{})
		var running sync.WaitGroup
		running.Go(func() { answerTogether(far, came, stream) })
		for _, ask := range questionsTo(clientOf(t, near)) {
			running.Go(ask)
			<-came // so that each call has the same tag in each run
		}
		ended := make(chan struct{})
		go func() {
			running.Wait()
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(fuzzTime):
			panic("a call does not return")
		}
	})
}

// answerTogether is a server that greets, makes objects, reports each question that comes, and then
// answers all of them with stream.
func answerTogether(conn *net.UnixConn, came chan<- struct{}, stream []byte) {
	defer conn.Close()
	in := transport.NewReader(conn, 0)
	next := func() transport.Frame {
		for {
			if f := must1(in.Next()); f.Kind != kindPing {
				return f
			}
		}
	}
	next()
	must1(conn.Write(serverHello(protocolVersion)))
	for n := range madeObjects {
		must1(conn.Write(frame(kindResult, next().Tag, func(e *transport.Encoder) { e.Uint(uint64(n + 1)) })))
	}
	for range questions {
		next()
		came <- struct{}{}
	}
	_, _ = conn.Write(stream)
}

// questionsTo makes objects and returns calls whose answers are decoded in different ways.
func questionsTo(c *Client) []func() {
	ctx := context.Background()
	d := must1(NewDict[any, any](ctx, c))
	l := must1(NewList[[]string](ctx, c, nil))
	v := must1(NewValue(ctx, c, 0.5))
	q := must1(NewQueue[struct{ A, B []string }](ctx, c, 1))
	b := must1(NewBarrier(ctx, c, 2))
	o := must1(accounts.New(ctx, c))
	n := must1(NewDict[string, *Dict[string, int]](ctx, c))
	return []func(){
		func() { _, _, _ = d.Get(ctx, 1) },
		func() { _, _ = d.Items(ctx) },
		func() { _, _ = d.Keys(ctx) },
		func() { _, _ = l.All(ctx) },
		func() { _, _ = l.Pop(ctx, 0) },
		func() { _, _ = v.Load(ctx) },
		func() { _, _ = v.CompareAndSwap(ctx, 1, 2) },
		func() { _, _, _ = q.TryGet(ctx) },
		func() { _, _ = q.Len(ctx) },
		func() { _, _ = b.Wait(ctx) },
		func() { _, _ = Call[map[string]int](ctx, o, "Deposit") },
		func() { _, _ = n.Items(ctx) },
		func() { _, _ = upper.Call(ctx, c, "abc") },
		func() { _, _ = NewEvent(ctx, c) },
	}
}
