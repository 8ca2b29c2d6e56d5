package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"

	"mrrun/transport"
)

// Two ends send each other values of one type; here both are in one program.
func ExampleConn() {
	type Move struct{ X, Y int }
	here, there := net.Pipe()
	player, err := transport.NewConn[Move](here, 0)
	if err != nil {
		panic(err)
	}
	board, err := transport.NewConn[Move](there, 0)
	if err != nil {
		panic(err)
	}

	go func() {
		for x := range 3 {
			if err := player.Send(Move{x, 2 * x}); err != nil {
				panic(err)
			}
		}
		player.Close()
	}()
	for {
		m, err := board.Recv()
		if err == io.EOF {
			fmt.Println("the player has left")
			return
		}
		if err != nil {
			panic(err)
		}
		fmt.Println(m)
	}
	// Output:
	// {0 0}
	// {1 2}
	// {2 4}
	// the player has left
}

// A codec is made once for a type, which must be able to travel.
func ExampleCodec() {
	type Count struct {
		Word string
		N    int
	}
	codec, err := transport.NewCodec[[]Count]()
	if err != nil {
		panic(err)
	}
	e := transport.NewEncoder(nil)
	if err := codec.Encode(e, &[]Count{{"the", 31}, {"of", 17}}); err != nil {
		panic(err)
	}
	fmt.Println(e.Len(), "bytes")

	var counts []Count
	if err := codec.Decode(transport.NewDecoder(e.Bytes()), &counts); err != nil {
		panic(err)
	}
	fmt.Println(counts)
	// Output:
	// 12 bytes
	// [{the 31} {of 17}]
}

// Parts of a message can be written one by one, and a codec adds to the same buffer.
func ExampleEncoder() {
	e := transport.NewEncoder(nil)
	e.Uint(300)
	e.String("hi")
	fmt.Printf("% x\n", e.Bytes())
	e.Truncate(3)
	fmt.Printf("% x\n", e.Bytes())
	// Output:
	// cd 01 2c a2 68 69
	// cd 01 2c
}

// Parts are taken in the order in which they were written.
func ExampleDecoder() {
	d := transport.NewDecoder([]byte("\xcd\x01\x2c\xa2hi!"))
	n, err := d.Uint()
	fmt.Println(n, err)
	s, err := d.String()
	fmt.Println(s, err)
	fmt.Printf("%q is left\n", d.Rest())
	// Output:
	// 300 <nil>
	// hi <nil>
	// "!" is left
}

func ExampleReader() {
	stream := bytes.NewReader([]byte("mr\x01\x07\x02\x01\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\xa2hi"))
	r := transport.NewReader(stream, 1<<20)
	for {
		f, err := r.Next()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("kind %d, tag %d, body % x\n", f.Kind, f.Tag, f.Body)
	}
	// Output:
	// kind 7, tag 258, body a2 68 69
	// EOF
}

// Frames wait until Flush, which writes all of them at once.
func ExampleWriter() {
	var stream bytes.Buffer
	w := transport.NewWriter(&stream)
	for _, word := range []string{"hi", "there"} {
		waiting, err := w.Add(7, 258, func(e *transport.Encoder) error {
			e.String(word)
			return nil
		})
		fmt.Println(waiting, "bytes wait,", stream.Len(), "written", err)
	}
	err := w.Flush()
	fmt.Println(stream.Len(), "written", err)
	// Output:
	// 19 bytes wait, 0 written <nil>
	// 41 bytes wait, 0 written <nil>
	// 41 written <nil>
}

// The body of a frame is overwritten by the next one: copy what must live longer.
func ExampleFrame() {
	var stream bytes.Buffer
	w := transport.NewWriter(&stream)
	for tag := range uint32(3) {
		if _, err := w.Add(1, tag, func(e *transport.Encoder) error { return e.WriteByte(byte('a' + tag)) }); err != nil {
			panic(err)
		}
	}
	if err := w.Flush(); err != nil {
		panic(err)
	}
	kept := map[uint32]string{}
	r := transport.NewReader(&stream, 0)
	for range 3 {
		f, err := r.Next()
		if err != nil {
			panic(err)
		}
		kept[f.Tag] = string(f.Body)
	}
	fmt.Println(kept)
	// Output: map[0:a 1:b 2:c]
}

// As a field, a plain slice travels element by element and a Slice as one block.
func ExampleSlice() {
	type Row struct {
		Name   string
		Values transport.Slice[float64]
	}
	codec, err := transport.NewCodec[Row]()
	if err != nil {
		panic(err)
	}
	values := []float64{1, 2.5}
	e := transport.NewEncoder(nil)
	if err := codec.Encode(e, &Row{"first", transport.Slice[float64](values)}); err != nil {
		panic(err)
	}
	var row Row
	if err := codec.Decode(transport.NewDecoder(e.Bytes()), &row); err != nil {
		panic(err)
	}
	values = []float64(row.Values)
	fmt.Println(row.Name, values)
	// Output: first [1 2.5]
}

// A task with a View as its argument and result; see also the example of Task.Apply of mapreduce.
func ExampleView() {
	double := func(v transport.View[float64]) transport.View[float64] {
		for i := range v.Slice() {
			v.Slice()[i] *= 2 // in a worker: in place
		}
		return v
	}
	v := double(transport.NewView([]float64{1, 2.5}))
	fmt.Println(v.Slice())
	v.Release()
	// Output: [2 5]
}

func ExampleSizeError() {
	var stream bytes.Buffer
	w := transport.NewWriter(&stream)
	if _, err := w.Add(0, 0, func(e *transport.Encoder) error { e.Blob(make([]byte, 1000)); return nil }); err != nil {
		panic(err)
	}
	if err := w.Flush(); err != nil {
		panic(err)
	}
	_, err := transport.NewReader(&stream, 500).Next()
	if tooLarge, ok := errors.AsType[*transport.SizeError](err); ok {
		fmt.Println(tooLarge)
		fmt.Println(tooLarge.Size, ">", tooLarge.Limit)
	}
	// Output:
	// message of 1003 bytes is over the limit of 500 bytes
	// 1003 > 500
}

// A TypeError names the part that cannot travel, and says what to do about it.
func ExampleTypeError() {
	type Task struct {
		Args []struct{ Callback func(int) }
	}
	_, err := transport.NewCodec[Task]()
	if refused, ok := errors.AsType[*transport.TypeError](err); ok {
		fmt.Println(refused.Path)
		fmt.Println(refused.Reason)
	}
	// Output:
	// transport_test.Task.Args[].Callback
	// it is a function (func(int)), which lives in one process; send what it needs and register a task
}

func ExampleCheckKey() {
	fmt.Println(transport.CheckKey(reflect.TypeFor[[2]float64]()))
	fmt.Println(transport.CheckKey(reflect.TypeFor[*int]()))
	// Output:
	// <nil>
	// *int cannot be sent to another process: *int: a pointer used as a key has no meaning in another process
}

func ExampleCheckType() {
	fmt.Println(transport.CheckType(reflect.TypeFor[map[string][]float64]()))
	fmt.Println(transport.CheckType(reflect.TypeFor[chan int]()))
	// Output:
	// <nil>
	// chan int cannot be sent to another process: it is a channel (chan int), which lives in one process
}
