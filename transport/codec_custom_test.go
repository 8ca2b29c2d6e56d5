package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// point encodes itself by methods on the value, span by methods on the pointer, tag by text.
type point struct{ x, y int }

func (p point) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeMulti(p.x, p.y) }

func (p *point) DecodeMsgpack(d *msgpack.Decoder) error {
	return d.DecodeMulti(&p.x, &p.y)
}

type span struct{ from, to byte }

func (s *span) MarshalBinary() ([]byte, error) { return []byte{s.from, s.to}, nil }

func (s *span) UnmarshalBinary(b []byte) error {
	if len(b) != 2 {
		return fmt.Errorf("span of %d bytes", len(b))
	}
	s.from, s.to = b[0], b[1]
	return nil
}

type tag struct{ s string }

func (t tag) MarshalText() ([]byte, error) { return []byte("<" + t.s + ">"), nil }

func (t *tag) UnmarshalText(b []byte) error {
	t.s = strings.Trim(string(b), "<>")
	return nil
}

type pair[A any] struct{ a, b A }

func (p pair[A]) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeMulti(p.a, p.b) }

func (p *pair[A]) DecodeMsgpack(d *msgpack.Decoder) error { return d.DecodeMulti(&p.a, &p.b) }

type packed struct{ n int }

func (p packed) MarshalMsgpack() ([]byte, error) { return msgpack.Marshal(p.n) }

func (p *packed) UnmarshalMsgpack(b []byte) error { return msgpack.Unmarshal(b, &p.n) }

func TestTypesThatEncodeThemselves(t *testing.T) {
	arrives(t, point{}, point{1, -2})
	arrives(t, nil, &point{3, 4})
	arrives(t, []point{{1, 2}, {3, 4}})
	arrives(t, map[string]point{"a": {1, 2}}) // by value: its method can be called on a map entry
	arrives(t, map[point]int{{1, 2}: 3})
	arrives(t, span{1, 2})
	arrives(t, nil, &span{1, 2})
	arrives(t, []span{{1, 2}})
	arrives(t, map[int]*span{1: {1, 2}, 2: nil})
	arrives(t, tag{}, tag{"x"})
	arrives(t, map[tag]tag{{"k"}: {"v"}})
	arrives(t, packed{-1}, packed{1 << 40})
	arrives(t, []*packed{nil, {5}})
	arrives(t, pair[int]{1, 2})
	arrives(t, pair[string]{"a", ""})
	arrives(t, struct {
		P  point
		Q  *point
		S  span
		T  []tag
		K  *packed
		Pa pair[float64]
	}{P: point{1, 2}, S: span{3, 4}, T: []tag{{"a"}}, K: &packed{7}, Pa: pair[float64]{1, 2}})
	arrives(t, netip.MustParseAddr("10.0.0.1"), netip.Addr{})
	arrives(t, map[netip.Addr]int{netip.MustParseAddr("::1"): 1})
	arrives(t, &url.URL{Scheme: "https", Host: "example.org", Path: "/a"})
}

// The library takes the methods of *T or of T, depending on which type it has met first. They must
// agree either way.
func TestOrderOfFirstUseDoesNotMatter(t *testing.T) {
	type a struct{ X span }  // T first
	type b struct{ X *span } // *T second
	arrives(t, a{span{1, 2}})
	arrives(t, b{&span{3, 4}})
	arrives(t, b{})
}

type moody struct{ Mood string }

func (m moody) MarshalText() ([]byte, error) {
	switch m.Mood {
	case "error":
		return nil, errors.New("not today")
	case "panic":
		panic("not at all")
	}
	return []byte(m.Mood), nil
}

func (m *moody) UnmarshalText(b []byte) error {
	if string(b) == "sender only" {
		panic("not here")
	}
	m.Mood = string(b)
	return nil
}

func TestErrorsAndPanicsOfUserMethods(t *testing.T) {
	c := codecOf[[]moody](t)
	e := NewEncoder(nil)
	for mood, says := range map[string]string{"error": "not today", "panic": "panic: not at all"} {
		if err := c.Encode(e, &[]moody{{"fine"}, {mood}}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("encode: got %v, want %q", err, says)
		}
		e.Truncate(0)
	}
	if err := c.Encode(e, &[]moody{{"fine"}, {"sender only"}}); err != nil {
		t.Fatal(err)
	}
	var v []moody
	d := NewDecoder(e.Bytes())
	if err := c.Decode(d, &v); err == nil || !strings.Contains(err.Error(), "panic: not here") {
		t.Errorf("decode: got %v", err)
	}
	// Both continue with the next value.
	e.Truncate(0)
	if err := c.Encode(e, &[]moody{{"fine"}}); err != nil {
		t.Fatal(err)
	}
	v = nil
	d.Reset(e.Bytes())
	if err := c.Decode(d, &v); err != nil || v[0].Mood != "fine" {
		t.Errorf("got %v, %v", v, err)
	}
}

// loose changes how the decoder that reads it goes on.
type loose struct{ kind string }

func (l loose) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeInt8(1) }

func (l *loose) DecodeMsgpack(d *msgpack.Decoder) error {
	var v any
	err := d.Decode(&v)
	l.kind = fmt.Sprintf("%T", v)
	d.UseLooseInterfaceDecoding(true)
	return err
}

// What a user's method did to a Decoder is gone after Renew.
func TestRenew(t *testing.T) {
	c, err := NewCodec[loose]()
	if err != nil {
		t.Fatal(err)
	}
	v, e, d := loose{}, NewEncoder(nil), NewDecoder(nil)
	if err := c.Encode(e, &v); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for i := range 3 {
		d.Reset(e.Bytes())
		v = loose{}
		if err := c.Decode(d, &v); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, v.kind)
		if i == 1 {
			d.Renew()
		}
	}
	if kinds[0] != kinds[2] || kinds[0] == kinds[1] {
		t.Errorf("it decodes %q at first, after a method changed it, and after Renew", kinds)
	}
}
