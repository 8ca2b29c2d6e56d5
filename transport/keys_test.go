package transport

import (
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

type (
	textKey  string
	pointKey struct{ X, Y float64 }
	clockKey struct{ at time.Time } // encodes itself
)

func (k textKey) MarshalText() ([]byte, error)   { return []byte(k), nil }
func (k *textKey) UnmarshalText(b []byte) error  { *k = textKey(b); return nil }
func (clockKey) MarshalText() ([]byte, error)    { return []byte{}, nil }
func (k *clockKey) UnmarshalText(b []byte) error { return k.at.UnmarshalText(b) }

func TestCheckKey(t *testing.T) {
	for _, k := range []reflect.Type{
		reflect.TypeFor[int](), reflect.TypeFor[string](), reflect.TypeFor[[2]pointKey](), reflect.TypeFor[textKey](),
		reflect.TypeFor[[16]byte](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[netip.Prefix](), reflect.TypeFor[time.Duration](),
	} {
		if err := CheckKey(k); err != nil {
			t.Errorf("%v: %v", k, err)
		}
	}
	for _, refused := range []struct {
		key  reflect.Type
		path string
		says string
	}{
		{nil, "nil", "no type"},
		{reflect.TypeFor[[]int](), "[]int", "compared"},
		{reflect.TypeFor[struct{ S []int }](), "struct { S []int }", "compared"},
		{reflect.TypeFor[*int](), "*int", "pointer used as a key"},
		{reflect.TypeFor[struct{ P [1]*int }](), "struct { P [1]*int }.P[]", "pointer used as a key"},
		{reflect.TypeFor[url.URL](), "url.URL.User", "pointer used as a key"},
		{reflect.TypeFor[time.Time](), "time.Time", "UnixNano"},
		{reflect.TypeFor[[2]time.Time](), "[2]time.Time[]", "UnixNano"},
		{reflect.TypeFor[clockKey](), "transport.clockKey.at", "UnixNano"},
		{reflect.TypeFor[chan int](), "chan int", "channel"},
		{reflect.TypeFor[any](), "interface {}", "concrete type"},
	} {
		err, _ := CheckKey(refused.key).(*TypeError)
		if err == nil || err.Path != refused.path || !strings.Contains(err.Reason, refused.says) {
			t.Errorf("%v: %v; want a word about %s and %q", refused.key, err, refused.path, refused.says)
		}
	}
	if err := CheckType(reflect.TypeFor[map[clockKey]int]()); err == nil {
		t.Error("a map whose keys hold a time.Time may travel")
	}
}
