package manager

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/transport"
)

// proxies returns one proxy of each kind, for decoding.
func proxies() []any {
	return []any{
		&Dict[string, any]{}, &List[int]{}, &Array[float64]{}, &Value[string]{}, &Queue[[]byte]{}, &Lock{}, &RLock{}, &Cond{},
		&Semaphore{}, &Event{}, &Barrier{}, &Object[*account]{},
	}
}

// FuzzProxyDecode checks that bytes are a proxy or an error, and that a proxy that was received is
// sent on unchanged. A server that gets the bytes as a value refers to the objects that they name,
// as long as it has the value.
func FuzzProxyDecode(f *testing.F) {
	requests, _ := recordTraffic(f)
	for _, r := range requests {
		f.Add(r.Body)
	}
	for _, signature := range []string{
		"dict[string,interface {}]", "list[int]", "array[float64]", "value[string]", "queue[[]uint8]", "lock", "rlock", "semaphore",
		"event", "barrier", "object[*manager.account]",
	} {
		l := &Lock{proxy{id: 2, instance: fuzzInstance, address: "unix:/tmp/manager/1.sock", signature: signature}}
		f.Add(must1(msgpack.Marshal(l)))
		f.Add(must1(msgpack.Marshal(&Cond{l, 3})))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, p := range proxies() {
			sentOnAsItWas(t, p, b)
		}
		var v any
		_ = anyCoder{}.Decode(transport.NewDecoder(b), &v)
		refersAsLong(t, b)
	})
}

func sentOnAsItWas(t *testing.T, p any, b []byte) {
	t.Helper()
	if transport.CheckWhole(b) != nil || msgpack.Unmarshal(b, p) != nil {
		return
	}
	sent, err := msgpack.Marshal(p)
	if err != nil {
		return // it is not a proxy of any object
	}
	again := reflect.New(reflect.TypeOf(p).Elem()).Interface()
	check(t, msgpack.Unmarshal(sent, again))
	if back := must1(msgpack.Marshal(again)); !bytes.Equal(back, sent) {
		t.Errorf("a %T is % x, and sent on % x", p, sent, back)
	}
}

func refersAsLong(t *testing.T, b []byte) {
	t.Helper()
	srv := NewServer()
	srv.instance = fuzzInstance
	var entries [3]*keptObject
	for i := range entries {
		entries[i] = must1(srv.add("", nature{kind: "event"}, func() (object, error) { return &eventObject{}, nil }))
	}
	refs := func() (n int) {
		for _, e := range entries {
			n += e.refs
		}
		return n
	}
	v := srv.store(b)
	equal(t, "references with the value", refs(), len(entries)+len(v.refs))
	srv.release(v)
	equal(t, "references without it", refs(), len(entries))
	equal(t, "objects", len(srv.objects), len(entries))
}
