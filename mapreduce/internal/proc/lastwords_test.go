package proc

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// A heldPipe is a pipe whose writing end another process still holds after its worker has ended.
func heldPipe(t *testing.T) (r *PipeReader, w *os.File) {
	t.Helper()
	file, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r = &PipeReader{file: file, late: lateTime}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}

// slowly reads byte by byte, until after lateTime if there are more than two.
func slowly(r *PipeReader, n int) (string, error) {
	var got []byte
	b := make([]byte, 1)
	for i := range n {
		if i == 1 {
			time.Sleep(lateTime + lateTime/5) // the reader's own time
		}
		m, err := r.Read(b)
		got = append(got, b[:m]...)
		if err != nil {
			return string(got), err
		}
	}
	return string(got), nil
}

// What was in the pipe at the worker's end is read, however slowly.
func TestPipeReaderSlow(t *testing.T) {
	t.Parallel()
	r, w := heldPipe(t)
	_, _ = io.WriteString(w, "last words")
	r.finish()
	if got, err := slowly(r, 10); got != "last words" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("of another process: %v", err)
	}
}

// Another process that holds the pipe is read for a second, and no longer, even if it never stops.
func TestPipeReaderOthers(t *testing.T) {
	t.Parallel()
	r, w := heldPipe(t)
	_, _ = io.WriteString(w, "first,")
	r.finish()
	began := time.Now()
	go func() {
		for {
			if _, err := io.WriteString(w, "more,"); err != nil {
				return
			}
			time.Sleep(lateTime / 20)
		}
	}()
	got, err := io.ReadAll(r)
	if !errors.Is(err, os.ErrDeadlineExceeded) || !strings.HasPrefix(string(got), "first,more,more,") {
		t.Errorf("%q, %v", got, err)
	}
	if took := time.Since(began); took < lateTime || took > 10*lateTime {
		t.Errorf("it took %v", took)
	}
}

// Without a wait for others, the end of the pipe is noticed all the same.
func TestPipeReaderEndsAtOnce(t *testing.T) {
	for range 100 {
		r, w := heldPipe(t)
		r.late = 0
		_, _ = io.WriteString(w, "ab")
		r.finish()
		w.Close()
		if got, err := io.ReadAll(r); string(got) != "ab" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

// While the worker lives, the deadline is the only limit; the worker's end replaces it.
func TestPipeReaderDeadline(t *testing.T) {
	t.Parallel()
	r, w := heldPipe(t)
	_ = r.SetReadDeadline(time.Now())
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	_ = r.SetReadDeadline(time.Time{})
	_, _ = io.WriteString(w, "ab")
	r.finish()
	_ = r.SetReadDeadline(time.Unix(1, 0))
	w.Close()
	if got, err := io.ReadAll(r); string(got) != "ab" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
