package faulty

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReader(t *testing.T) {
	for _, test := range []struct {
		fault Fault
		want  string
		err   error
	}{
		{Fail, "abcd", ErrInjected},
		{Cut, "abcdef", nil},
		{Delay, "abcdefghijkl", nil},
		{Corrupt, "abcdefwhijkl", nil},
	} {
		p := NewPlan(2, test.fault)
		r := p.Reader(strings.NewReader("abcdefghijkl"))
		var got []byte
		var err error
		for b := make([]byte, 4); err == nil; {
			var n int
			n, err = r.Read(b)
			got = append(got, b[:n]...)
		}
		if err == io.EOF {
			err = nil
		}
		if string(got) != test.want || !errors.Is(err, test.err) || !p.Fired() {
			t.Errorf("%v: read %q, %v; want %q, %v", test.fault, got, err, test.want, test.err)
		}
	}
}

func TestWriter(t *testing.T) {
	for _, test := range []struct {
		fault Fault
		want  string
		fails int
	}{
		{Fail, "abcdijkl", 1},
		{Cut, "abcdef", 2},
		{Delay, "abcdefghijkl", 0},
		{Corrupt, "abcdefwhijkl", 0},
	} {
		p := NewPlan(2, test.fault)
		var out bytes.Buffer
		w := p.Writer(&out)
		fails := 0
		for _, part := range []string{"abcd", "efgh", "ijkl"} {
			if _, err := io.WriteString(w, part); err != nil {
				fails++
			}
		}
		if out.String() != test.want || fails != test.fails || !p.Fired() {
			t.Errorf("%v: wrote %q with %d errors; want %q and %d", test.fault, out.String(), fails, test.want, test.fails)
		}
	}
}

func TestNoFault(t *testing.T) {
	p := NewPlan(0, Fail)
	got, err := io.ReadAll(p.Reader(strings.NewReader("abc")))
	if string(got) != "abc" || err != nil || p.Fired() || p.Operations() < 2 {
		t.Errorf("read %q, %v, fired %v, %d operations", got, err, p.Fired(), p.Operations())
	}
}
