package manager

import (
	"context"
	"errors"
	"maps"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

var minus0 = math.Copysign(0, -1)

type (
	pairKey struct {
		Name string
		At   [2]float32
	}
	hiddenKey struct{ at float64 } // encodes itself

	// lowerText and lowerMsgpack are in lower case after decoding.
	lowerText    string
	lowerMsgpack struct{ Text string }

	// halfKey is halved by each decoding.
	halfKey struct{ N int }
)

func (k hiddenKey) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeFloat64(k.at) }
func (k *hiddenKey) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	k.at, err = d.DecodeFloat64()
	return err
}

func (k lowerText) MarshalText() ([]byte, error) { return []byte(k), nil }
func (k *lowerText) UnmarshalText(b []byte) error {
	*k = lowerText(strings.ToLower(string(b)))
	return nil
}

func (k lowerMsgpack) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeString(k.Text) }
func (k *lowerMsgpack) DecodeMsgpack(d *msgpack.Decoder) error {
	text, err := d.DecodeString()
	k.Text = strings.ToLower(text)
	return err
}

func (k halfKey) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeInt(int64(k.N)) }
func (k *halfKey) DecodeMsgpack(d *msgpack.Decoder) error {
	n, err := d.DecodeInt()
	k.N = n / 2
	return err
}

var _, _, _ = RegisterKind[lowerText]("lower text"), RegisterKind[pairKey]("pair"), RegisterKind[*pairKey]("pointer")

// Keys of a dict are the same if they are equal after decoding, whatever their encodings are.
func TestDictKeysMeetByValue(t *testing.T) {
	c := serve(t)()
	checkDictKeys(t, c, map[float64]int{0: 3, 1: 1}, 0, minus0, 1, 0)
	checkDictKeys(t, c, map[float32]int{0: 2}, 0, float32(minus0))
	checkDictKeys(t, c, map[pairKey]int{{"a", [2]float32{}}: 2, {"b", [2]float32{}}: 1},
		pairKey{"a", [2]float32{0, float32(minus0)}}, pairKey{"a", [2]float32{float32(minus0), 0}}, pairKey{Name: "b"})
	checkDictKeys(t, c, map[hiddenKey]int{{0}: 2, {2}: 1}, hiddenKey{minus0}, hiddenKey{0}, hiddenKey{2})
	checkDictKeys(t, c, map[lowerText]int{"a": 3, "b": 1}, "A", "a", "B", "a")
	checkDictKeys(t, c, map[lowerMsgpack]int{{"go"}: 3}, lowerMsgpack{"Go"}, lowerMsgpack{"GO"}, lowerMsgpack{"go"})
	checkDictKeys[any](t, c, map[any]int{0.0: 2, lowerText("a"): 2, pairKey{}: 2, 0: 1, "A": 1},
		0.0, minus0, lowerText("a"), lowerText("A"), pairKey{}, pairKey{At: [2]float32{float32(minus0)}}, 0, "A")

	// Keys that are equal only if their encodings are.
	checkDictKeys(t, c, map[string]int{"a": 2, "A": 1, "a\xff": 1, "a\xfe": 1}, "a", "A", "a\xff", "a\xfe", "a")
	checkDictKeys(t, c, map[int]int{-1: 2, 1: 1}, -1, 1, -1)
	checkDictKeys(t, c, map[netip.Addr]int{netip.MustParseAddr("fe80::1%a"): 2, netip.MustParseAddr("fe80::1%b"): 1},
		netip.MustParseAddr("fe80::1%a"), netip.MustParseAddr("fe80::1%b"), netip.MustParseAddr("fe80::1%a"))
}

func checkDictKeys[K comparable](t *testing.T, c *Client, want map[K]int, keys ...K) {
	t.Helper()
	ctx := within(t)
	d := must1(NewDict[K, int](ctx, c))
	for _, k := range keys {
		must1(d.Add(ctx, k, 1))
	}
	if got, err := d.Items(ctx); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	for _, k := range keys {
		if _, found, err := d.Get(ctx, k); !found || err != nil {
			t.Errorf("%v: found %v, %v", k, found, err)
		}
	}
	for k := range want {
		equal(t, "delete", must1(d.Delete(ctx, k)), true)
	}
	equal(t, "len", must1(d.Len(ctx)), 0)
}

func TestDictKeyNaN(t *testing.T) {
	ctx := within(t)
	d := must1(NewDict[float64, int](ctx, serve(t)()))
	must1(d.Add(ctx, math.NaN(), 1))
	equal(t, "sum", must1(d.Add(ctx, math.NaN(), 1)), 2)
}

// Two keys that are equal after decoding cannot both be in a map: Items returns an error instead of
// leaving one out.
func TestDictItemsLosesNoKey(t *testing.T) {
	ctx := within(t)
	d := must1(NewDict[halfKey, int](ctx, serve(t)()))
	must1(d.Add(ctx, halfKey{12}, 1)) // stored as 6, decoded as 3
	must1(d.Add(ctx, halfKey{14}, 1)) // stored as 7, decoded as 3
	equal(t, "keys", len(must1(d.Keys(ctx))), 2)
	_, err := d.Items(ctx)
	wants(t, "items", err, ErrType)
}

func TestDictKeysRefused(t *testing.T) {
	ctx, c := within(t), serve(t)()
	for name, make := range map[string]func(context.Context, Conn) error{
		"pointer":             dictOf[*int],
		"pointer in a struct": dictOf[struct{ P *int }],
		"time":                dictOf[time.Time],
		"time in an array":    dictOf[[1]time.Time],
	} {
		if err := make(ctx, c); !errors.Is(err, ErrType) || !strings.Contains(err.Error(), "key") {
			t.Errorf("%s: %v", name, err)
		}
	}
	mixed := must1(NewDict[any, int](ctx, c))
	wants(t, "mixed pointer", mixed.Set(ctx, &pairKey{}, 1), ErrType)
}

func dictOf[K comparable](ctx context.Context, c Conn) error {
	_, err := NewDict[K, int](ctx, c)
	return err
}
