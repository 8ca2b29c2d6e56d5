package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"mrrun/transport"
)

// messengers are the objects of the primitives with messages: numbers, or size bytes.
type messengers struct {
	Numbers *transport.Queue[int]
	Bytes   *transport.Queue[[]byte]
	Ends    []*transport.PipeEnd[[]byte] // of a two-way pipe

	size int `msgpack:"-"` // bytes of a message; 0: numbers
}

// number is the message of the primitives that send numbers.
const number = 7

// addMessengers makes the messengers for messages of size bytes; a queue has room for count of
// them.
func (o *objects) addMessengers(size, count int) (err error) {
	const usual, frame = 8 << 20, 24
	room := transport.QueueBytes(max(usual, count*(size+frame)))
	o.size = size
	if o.Numbers, err = transport.NewQueue[int](0, room); err != nil {
		return err
	}
	if o.Bytes, err = transport.NewQueue[[]byte](0, room); err != nil {
		return err
	}
	a, b, err := transport.Pipe[[]byte]()
	o.Ends = []*transport.PipeEnd[[]byte]{a, b}
	return err
}

func (o *objects) closeMessengers() {
	if o.Numbers != nil {
		_ = o.Numbers.Free()
	}
	if o.Bytes != nil {
		_ = o.Bytes.Free()
	}
	for _, e := range o.Ends {
		if e != nil {
			_ = e.Close()
		}
	}
}

func (o *objects) item() []byte { return bytes.Repeat([]byte{'x'}, o.size) }

func (o *objects) put(ctx context.Context, n int) error {
	item := o.item()
	for range n {
		var err error
		if o.size == 0 {
			err = o.Numbers.Put(ctx, number)
		} else {
			err = o.Bytes.Put(ctx, item)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *objects) get(ctx context.Context, n int) error {
	for range n {
		if o.size == 0 {
			if got, err := o.Numbers.Get(ctx); err != nil || got != number {
				return wrong(err)
			}
		} else if got, err := o.Bytes.Get(ctx); err != nil || len(got) != o.size {
			return wrong(err)
		}
	}
	return nil
}

var errWrong = errors.New("received a message that was not sent")

func wrong(err error) error {
	if err == nil {
		err = errWrong
	}
	return err
}

func putOrGet(ctx context.Context, o *objects, me, n int) error {
	if me == 0 {
		return o.put(ctx, n)
	}
	return o.get(ctx, n)
}

// putOnly puts in all messages; nothing takes them out meanwhile.
func putOnly(ctx context.Context, o *objects, me, n int) error {
	if me == 0 {
		return o.put(ctx, n)
	}
	return nil
}

func putOrFinish(ctx context.Context, o *objects, me, n int) error {
	if me == 0 {
		return o.put(ctx, n)
	}
	for range n {
		if err := o.get(ctx, 1); err != nil {
			return err
		}
		done := o.Numbers.TaskDone
		if o.size > 0 {
			done = o.Bytes.TaskDone
		}
		if err := done(); err != nil {
			return err
		}
	}
	return nil
}

func sendOrReceive(_ context.Context, o *objects, me, n int) error {
	item, end := o.item(), o.Ends[me]
	defer end.Close()
	for range n {
		if me == 0 {
			if err := end.Send(item); err != nil {
				return err
			}
		} else if got, err := end.Recv(); err != nil || len(got) != o.size {
			return wrong(err)
		}
	}
	return nil
}

func pingOrPong(_ context.Context, o *objects, me, n int) error {
	item, end := o.item(), o.Ends[me]
	defer end.Close()
	for range n {
		if me == 0 {
			if err := end.Send(item); err != nil {
				return err
			}
		}
		got, err := end.Recv()
		if err == nil && !bytes.Equal(got, item) {
			err = errWrong
		}
		if err == nil && me == 1 {
			err = end.Send(got)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func empty(o *objects, _ int64) (string, bool) {
	return says("empty", o.Numbers.Len()+o.Bytes.Len() == 0, true)
}

// drained takes out what half of the processes have put in, and checks that nothing is left.
func drained(o *objects, times int64) (string, bool) {
	if err := o.get(context.Background(), int(times/2)); err != nil {
		return err.Error(), false
	}
	return empty(o, times)
}

func finished(o *objects, times int64) (string, bool) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, err := range []error{o.Numbers.Join(ended), o.Bytes.Join(ended)} {
		if err != nil {
			return fmt.Sprint("unfinished: ", err), false
		}
	}
	return empty(o, times)
}

func nothingLeft(o *objects, _ int64) (string, bool) {
	left, err := o.Ends[1].Poll(0)
	if err != nil && err != io.EOF {
		return err.Error(), false
	}
	return says("empty", !left, true)
}
