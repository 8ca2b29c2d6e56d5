package transport

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/metrics"
	"strings"
	"testing"
	"testing/iotest"
)

// rawFrame builds a frame from the table in the package comment, not with the code under test.
func rawFrame(kind byte, tag uint32, body []byte) []byte {
	f := append(rawHeader(kind, tag, uint64(len(body))), body...)
	return f
}

func rawHeader(kind byte, tag uint32, size uint64) []byte {
	h := make([]byte, 16)
	copy(h, "mr\x01")
	h[3] = kind
	binary.LittleEndian.PutUint32(h[4:], tag)
	binary.LittleEndian.PutUint64(h[8:], size)
	return h
}

// pattern returns n bytes that differ from their neighbours, so that a shift shows.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

// allocated returns how many bytes f allocates on the heap, freed or not.
func allocated(f func()) uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	before := sample[0].Value.Uint64()
	f()
	metrics.Read(sample)
	return sample[0].Value.Uint64() - before
}

func TestFrameOfPackageComment(t *testing.T) {
	want, err := hex.DecodeString("6d720107020100000300000000000000a26869")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := NewWriter(&out)
	if _, err := w.Add(7, 258, func(e *Encoder) error { e.String("hi"); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("got % x\nwant % x", out.Bytes(), want)
	}
	f, err := NewReader(bytes.NewReader(want), 0).Next()
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewDecoder(f.Body).String()
	if f.Kind != 7 || f.Tag != 258 || s != "hi" || err != nil {
		t.Errorf("got kind %d, tag %d, %q, %v", f.Kind, f.Tag, s, err)
	}
}

func TestReaderCutsAnyStreamAtTheFrames(t *testing.T) {
	const buffer = 64 << 10 // of a Reader: bodies up to it lie in the buffer, larger ones get memory of their own
	sets := map[string][]int{
		"one empty":           {0},
		"many empty":          {0, 0, 0, 0, 0},
		"small":               {1, 2, 3, 100, 1000},
		"at the buffer":       {buffer - headerSize - 1, buffer - headerSize, buffer - headerSize + 1, buffer - 1, buffer, buffer + 1},
		"around the buffer":   {10, buffer - 1, 0, buffer, 5, buffer + 1, 1},
		"large between small": {3, readStep - 1, 3, readStep, 3, readStep + 1, 3, 5*readStep + 7, 3},
	}
	readers := map[string]func(io.Reader) io.Reader{
		"all at once":    func(r io.Reader) io.Reader { return r },
		"half reads":     iotest.HalfReader,
		"byte by byte":   iotest.OneByteReader,
		"EOF with bytes": iotest.DataErrReader,
		"tiny with EOF":  func(r io.Reader) io.Reader { return iotest.DataErrReader(iotest.OneByteReader(r)) },
	}
	for set, sizes := range sets {
		var stream []byte
		for i, n := range sizes {
			stream = append(stream, rawFrame(byte(i), uint32(i)<<24|5, pattern(n))...)
		}
		for name, wrap := range readers {
			if len(stream) > 1<<20 && strings.Contains(name, "byte by byte") {
				continue // slow, and independent of the sizes
			}
			t.Run(set+"/"+name, func(t *testing.T) {
				r := NewReader(wrap(bytes.NewReader(stream)), 0)
				for i, n := range sizes {
					f, err := r.Next()
					if err != nil {
						t.Fatalf("frame %d of %d bytes: %v", i, n, err)
					}
					if f.Kind != byte(i) || f.Tag != uint32(i)<<24|5 || !bytes.Equal(f.Body, pattern(n)) {
						t.Fatalf("frame %d: got kind %d, tag %#x and %d bytes, want %d bytes", i, f.Kind, f.Tag, len(f.Body), n)
					}
				}
				for range 2 { // the end is permanent
					if f, err := r.Next(); err != io.EOF {
						t.Fatalf("behind the last frame: got %v, %v, want EOF", f, err)
					}
				}
			})
		}
	}
}

// An append to a body must not overwrite the next frame.
func TestBodyHasNoSpareCapacity(t *testing.T) {
	stream := append(rawFrame(1, 1, []byte("first")), rawFrame(2, 2, []byte("second"))...)
	r := NewReader(bytes.NewReader(stream), 0)
	f, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	_ = append(f.Body, bytes.Repeat([]byte{0xff}, 30)...)
	if f, err = r.Next(); err != nil || string(f.Body) != "second" {
		t.Errorf("got %q, %v", f.Body, err)
	}
}

func TestReaderReportsStreamCutAtAnyByte(t *testing.T) {
	first := rawFrame(1, 2, []byte("whole"))
	stream := append(bytes.Clone(first), rawFrame(3, 4, pattern(40))...)
	for cut := len(first) + 1; cut < len(stream); cut++ {
		r := NewReader(bytes.NewReader(stream[:cut]), 0)
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at byte %d of the second frame: got %v", cut-len(first), err)
		}
	}
	large := rawFrame(1, 1, pattern(3*readStep))
	for _, cut := range []int{headerSize, headerSize + 1, 64 << 10, readStep, len(large) - 1} {
		if _, err := NewReader(bytes.NewReader(large[:cut]), 0).Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("large frame cut at byte %d: got %v", cut, err)
		}
	}
}

func TestReaderRefusesWhatIsNoFrame(t *testing.T) {
	frame := func(change func(h []byte)) []byte {
		f := rawFrame(1, 2, []byte("body"))
		change(f)
		return f
	}
	tests := map[string]struct {
		stream []byte
		says   string
	}{
		"text":              {[]byte("panic: runtime error: index out of range"), "it begins with 70 61 6e 69"},
		"zeros":             {make([]byte, 100), "00 00 00 00"},
		"half the magic":    {frame(func(h []byte) { h[1] = 'R' }), "6d 52"},
		"version 2":         {frame(func(h []byte) { h[2] = 2 }), "format version 2, want 1"},
		"version 0":         {frame(func(h []byte) { h[2] = 0 }), "format version 0"},
		"text behind frame": {append(frame(func([]byte) {}), "log: lost my way in the woods"...), "6c 6f 67 3a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := NewReader(bytes.NewReader(tt.stream), 0)
			var err error
			for err == nil {
				_, err = r.Next()
			}
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want ErrFormat with %q", err, tt.says)
			}
		})
	}
}

func TestReaderPassesErrorsOfTheStreamOn(t *testing.T) {
	broken := errors.New("cable cut")
	whole := rawFrame(1, 1, []byte("abc"))
	for _, cut := range []int{0, 3, headerSize, len(whole) - 1} {
		r := NewReader(io.MultiReader(bytes.NewReader(whole[:cut]), iotest.ErrReader(broken)), 0)
		if _, err := r.Next(); !errors.Is(err, broken) {
			t.Errorf("error behind %d bytes: got %v", cut, err)
		}
	}
}

func TestReaderLimit(t *testing.T) {
	tests := []struct {
		limit, size uint64
		want        uint64 // the limit that the error names; 0: no error
	}{
		{limit: 10, size: 0},
		{limit: 10, size: 10},
		{limit: 10, size: 11, want: 10},
		{limit: 10, size: 1<<64 - 1, want: 10},
		{limit: 1 << 20, size: 1<<20 + 1, want: 1 << 20},
		{limit: 0, size: MaxBody + 1, want: MaxBody},
		{limit: 1<<64 - 1, size: MaxBody + 1, want: MaxBody},
		{limit: 0, size: 1 << 63, want: MaxBody},
	}
	for _, tt := range tests {
		stream := rawHeader(0, 0, tt.size)
		if tt.want == 0 {
			stream = append(stream, pattern(int(tt.size))...)
		}
		r := NewReader(bytes.NewReader(stream), tt.limit)
		_, err := r.Next()
		if tt.want == 0 {
			if err != nil {
				t.Errorf("limit %d, body of %d: %v", tt.limit, tt.size, err)
			}
			continue
		}
		tooLarge, ok := errors.AsType[*SizeError](err)
		if !ok || tooLarge.Size != tt.size || tooLarge.Limit != tt.want {
			t.Errorf("limit %d, body of %d: got %v", tt.limit, tt.size, err)
			continue
		}
		says := fmt.Sprintf("%d bytes is over the limit of %d bytes", tt.size, tt.want)
		if !strings.Contains(err.Error(), says) {
			t.Errorf("got %q, want it to say %q", err, says)
		}
		if !r.Buffered() {
			t.Errorf("limit %d, body of %d: Next returns at once, Buffered says it waits", tt.limit, tt.size)
		}
	}
}

func TestDeclaredLengthTakesNoMemory(t *testing.T) {
	for _, arrived := range []int{0, 1000, 64 << 10, 3 << 20} {
		stream := append(rawHeader(0, 0, MaxBody), make([]byte, arrived)...)
		var err error
		took := allocated(func() { _, err = NewReader(bytes.NewReader(stream), 0).Next() })
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes arrived: got %v", arrived, err)
		}
		// Memory grows by a factor of 4: at most 4 times what arrived, and what was copied from.
		if limit := uint64(2<<20 + 6*arrived); took > limit {
			t.Errorf("4 GiB declared, %d bytes arrived: took %d bytes, want at most %d", arrived, took, limit)
		}
	}
}

// A frame that fits the Reader's buffer is not allocated.
func TestSmallFramesDoNotAllocate(t *testing.T) {
	stream := bytes.Repeat(rawFrame(1, 2, pattern(1000)), 2000)
	r := NewReader(bytes.NewReader(stream), 0)
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("got %v allocations a frame", n)
	}
}

func TestBufferedTellsWhetherNextWaits(t *testing.T) {
	small, garbage := rawFrame(1, 1, []byte("abc")), []byte("no frame at all, really")
	tests := map[string]struct {
		behind []byte // what has arrived after a first frame
		want   bool
	}{
		"nothing":            {nil, false},
		"part of a header":   {small[:headerSize-1], false},
		"header":             {small[:headerSize], false},
		"all but a byte":     {small[:len(small)-1], false},
		"a frame":            {small, true},
		"an empty frame":     {rawHeader(1, 1, 0), true},
		"a frame and more":   {append(bytes.Clone(small), small[:5]...), true},
		"start of a large":   {append(rawHeader(1, 1, 1<<20), "abc"...), false},
		"one over the limit": {rawHeader(1, 1, 1<<20+1), true},
		"garbage":            {garbage, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := NewReader(bytes.NewReader(append(bytes.Clone(small), tt.behind...)), 1<<20)
			if r.Buffered() {
				t.Error("true before the first read")
			}
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			if got := r.Buffered(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// FuzzReader: what a Reader reads from any stream is what a Writer would write, and takes no more
// memory than bytes that have arrived.
func FuzzReader(f *testing.F) {
	f.Add([]byte{})
	f.Add(rawFrame(7, 258, []byte("\xa2hi")))
	f.Add(append(rawFrame(0, 0, nil), rawFrame(255, 1<<32-1, pattern(300))...))
	f.Add(rawHeader(1, 1, MaxBody))
	f.Add(rawHeader(1, 1, 1<<63))
	f.Add([]byte("mr\x02 another version"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		var again bytes.Buffer
		var err error
		w := NewWriter(&again)
		took := allocated(func() {
			r := NewReader(bytes.NewReader(stream), 0)
			for {
				var f Frame
				if f, err = r.Next(); err != nil {
					return
				}
				if _, err := w.Add(f.Kind, f.Tag, func(e *Encoder) error { _, err := e.Write(f.Body); return err }); err != nil {
					t.Fatal(err)
				}
			}
		})
		if limit := uint64(2<<20 + 16*len(stream)); took > limit {
			t.Errorf("took %d bytes for a stream of %d", took, len(stream))
		}
		if flushErr := w.Flush(); flushErr != nil {
			t.Fatal(flushErr)
		}
		if !bytes.HasPrefix(stream, again.Bytes()) {
			t.Errorf("got frames % x of a stream % x", again.Bytes(), stream)
		}
		if (err == io.EOF) != (again.Len() == len(stream)) {
			t.Errorf("%d of %d bytes are frames, and the error is %v", again.Len(), len(stream), err)
		}
	})
}

// A hesitant reader gives up before each step.
type hesitant struct {
	r    io.Reader
	step int
	give bool
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.give = !h.give; h.give {
		return 0, os.ErrDeadlineExceeded
	}
	return h.r.Read(p[:min(len(p), h.step)])
}

func TestReaderGoesOnAfterADeadline(t *testing.T) {
	sizes := []int{0, 3, 64<<10 - headerSize, 64<<10 - headerSize + 1, 5, 3*readStep + 7, 0, 64 << 10, 2}
	var stream []byte
	for i, n := range sizes {
		stream = append(stream, rawFrame(byte(i), uint32(i), pattern(n))...)
	}
	for _, step := range []int{7, headerSize, 1000, 1 << 20} {
		r := NewReader(&hesitant{r: bytes.NewReader(stream), step: step}, 0)
		next := func() (f Frame, err error) {
			for f, err = r.Next(); errors.Is(err, os.ErrDeadlineExceeded); f, err = r.Next() {
			}
			return f, err
		}
		for i, n := range sizes {
			if f, err := next(); err != nil || f.Kind != byte(i) || !bytes.Equal(f.Body, pattern(n)) {
				t.Fatalf("steps of %d, frame %d of %d bytes: got kind %d, %d bytes, %v", step, i, n, f.Kind, len(f.Body), err)
			}
		}
		if _, err := next(); err != io.EOF {
			t.Errorf("behind the last frame: %v", err)
		}
	}
}
