//lint:file-ignore U1000 fields and methods are there for reflection to find

package transport

import (
	"encoding"
	"errors"
	"math/big"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

type (
	callback struct {
		Args []struct{ Done func() }
	}
	tree     struct{ Children []*tree }
	forest   []forest
	graph    map[string]graph
	listNode struct{ Next *listNode }

	encodeOnly  struct{ n int }
	decodeOnly  struct{ n int }
	mixed       struct{ n int } // out by text, in by binary
	twoWays     struct{ n int } // the value by text, the pointer by binary
	valueDecode struct{ p *int }
	emptyEncode struct{}

	stamped struct {
		time.Time
		N int
	}
	stampedPointer struct{ *time.Time }
	numbered       struct {
		big.Int
		N int
	}
	codec interface {
		encoding.BinaryMarshaler
		encoding.BinaryUnmarshaler
	}
	holder struct{ codec }
	Codec2 interface {
		encoding.BinaryMarshaler
		encoding.BinaryUnmarshaler
	}
	Holder struct{ Codec2 }

	// quiet embeds two types with the same methods, so it has none of them itself.
	hushed struct{ span }
	quiet  struct {
		span
		hushed2
	}
	hushed2 struct{ b byte }

	embedsPointer struct {
		*Outer
		N int
	}
	hasLock struct{ Mu *lock }
	lock    struct{ locked bool }
)

func (encodeOnly) EncodeMsgpack(*msgpack.Encoder) error  { return nil }
func (*decodeOnly) DecodeMsgpack(*msgpack.Decoder) error { return nil }
func (mixed) MarshalText() ([]byte, error)               { return nil, nil }
func (*mixed) UnmarshalText([]byte) error                { return nil }
func (*mixed) UnmarshalBinary([]byte) error              { return nil }
func (twoWays) MarshalText() ([]byte, error)             { return []byte{}, nil }
func (*twoWays) UnmarshalText([]byte) error              { return nil }
func (*twoWays) MarshalBinary() ([]byte, error)          { return []byte{}, nil }
func (valueDecode) MarshalText() ([]byte, error)         { return []byte{}, nil }
func (valueDecode) UnmarshalText([]byte) error           { return nil }
func (emptyEncode) MarshalText() ([]byte, error)         { return []byte{}, nil }
func (*hushed2) MarshalBinary() ([]byte, error)          { return []byte{}, nil }
func (*hushed2) UnmarshalBinary([]byte) error            { return nil }

func TestRefusedTypes(t *testing.T) {
	const here = "transport."
	tests := []struct {
		typ  reflect.Type
		path string
		says string
	}{
		// What lives in one process.
		{reflect.TypeFor[func()](), "func()", "function"},
		{reflect.TypeFor[chan int](), "chan int", "channel"},
		{reflect.TypeFor[callback](), here + "callback.Args[].Done", "function"},
		{reflect.TypeFor[map[string]chan int](), "map[string]chan int[]", "channel"},
		{reflect.TypeFor[struct{ P uintptr }](), "struct { P uintptr }.P", "address"},
		{reflect.TypeFor[[]unsafe.Pointer](), "[]unsafe.Pointer[]", "address"},
		{reflect.TypeFor[hasLock](), here + "hasLock.Mu.locked", "not exported"},

		// What has no form in msgpack.
		{reflect.TypeFor[any](), "interface {}", "use a concrete type"},
		{reflect.TypeFor[[]error](), "[]error[]", "interface (error)"},
		{reflect.TypeFor[complex64](), "complex64", "struct of two floats"},
		{reflect.TypeFor[[2]complex128](), "[2]complex128[]", "complex"},

		// What would arrive changed.
		{reflect.TypeFor[pointHidden](), here + "pointHidden.y", "export it"},
		{reflect.TypeFor[struct {
			A int
			b []int
		}](), "struct { A int; b []int }.b", "not exported"},
		{reflect.TypeFor[struct{ label }](), "struct { transport.label }.label", "not exported"},
		{reflect.TypeFor[**int](), "**int", "drop the outer pointer"},
		{reflect.TypeFor[struct{ P *[]int }](), "struct { P *[]int }.P", "drop the outer pointer"},
		{reflect.TypeFor[*map[string]int](), "*map[string]int", "drop the outer pointer"},
		{reflect.TypeFor[*Slice[float64]](), "*transport.Slice[float64]", "drop the outer pointer"},
		{reflect.TypeFor[**big.Int](), "**big.Int", "drop the outer pointer"},
		{reflect.TypeFor[embedsPointer](), here + "embedsPointer.Outer", "give the field a name"},
		{reflect.TypeFor[map[*int]int](), "map[*int]int[key]", "pointer used as a key"},
		{reflect.TypeFor[map[*big.Int]int](), "map[*big.Int]int[key]", "pointer used as a key"},
		{reflect.TypeFor[map[struct{ P *int }]int](), "map[struct { P *int }]int[key].P", "pointer used as a key"},
		{reflect.TypeFor[map[[1]*int]int](), "map[[1]*int]int[key][]", "pointer used as a key"},
		{reflect.TypeFor[map[any]int](), "map[interface {}]int[key]", "interface"},
		{reflect.TypeFor[map[time.Time]int](), "map[time.Time]int[key]", "UnixNano"},
		{reflect.TypeFor[map[string][4]level](), "map[string][4]transport.level[]", "use [4]byte"},
		{reflect.TypeFor[big.Float](), "big.Float", "precision"},
		{reflect.TypeFor[[]*big.Float](), "[]*big.Float[]", "GobEncode"},

		// Types without an end.
		{reflect.TypeFor[tree](), here + "tree.Children[]", "contains itself"},
		{reflect.TypeFor[*listNode](), "*transport.listNode.Next", "contains itself"},
		{reflect.TypeFor[forest](), here + "forest[]", "contains itself"},
		{reflect.TypeFor[graph](), here + "graph[]", "contains itself"},

		// Methods that do not fit together.
		{reflect.TypeFor[encodeOnly](), here + "encodeOnly", "none to decode itself"},
		{reflect.TypeFor[*encodeOnly](), "*transport.encodeOnly", "none to decode itself"},
		{reflect.TypeFor[[]decodeOnly](), "[]transport.decodeOnly[]", "none to encode itself"},
		{reflect.TypeFor[mixed](), here + "mixed", "by MarshalText but decodes itself by MarshalBinary"},
		{reflect.TypeFor[*twoWays](), "*transport.twoWays", "in two ways"},
		{reflect.TypeFor[valueDecode](), here + "valueDecode", "method on the value"},
		{reflect.TypeFor[struct{ E emptyEncode }](), "struct { E transport.emptyEncode }.E", "none to decode itself"},
		{reflect.TypeFor[stamped](), here + "stamped", "MarshalBinary from an embedded field"},
		{reflect.TypeFor[*stamped](), "*transport.stamped", "MarshalBinary from an embedded field"},
		{reflect.TypeFor[[]*stamped](), "[]*transport.stamped[]", "MarshalBinary from an embedded field"},
		{reflect.TypeFor[numbered](), here + "numbered", "MarshalText from an embedded field"},
		{reflect.TypeFor[stampedPointer](), here + "stampedPointer", "method on the value"},
		{reflect.TypeFor[holder](), here + "holder", "method on the value"},
		{reflect.TypeFor[Holder](), here + "Holder", "method on the value"},
		{reflect.TypeFor[quiet](), here + "quiet.span", "exported name"},
		{reflect.TypeFor[map[string]big.Int](), "map[string]big.Int[]", "store *big.Int"},
		{reflect.TypeFor[map[string][2]span](), "map[string][2]transport.span[][]", "store *transport.span"},
		{reflect.TypeFor[map[string]struct{ U url.URL }](), "map[string]struct { U url.URL }[].U", "store *url.URL"},

		// Tags that change the encoding.
		{reflect.TypeFor[struct {
			S string `msgpack:",intern"`
		}](), `struct { S string "msgpack:\",intern\"" }.S`, "intern"},
		{reflect.TypeFor[struct {
			Outer `msgpack:",inline"`
		}](), `struct { transport.Outer "msgpack:\",inline\"" }.Outer`, "inline"},
		{reflect.TypeFor[struct {
			Outer `msgpack:"o, noinline"`
		}](), `struct { transport.Outer "msgpack:\"o, noinline\"" }.Outer`, "inline"},
	}
	for _, tt := range tests {
		t.Run(tt.typ.String(), func(t *testing.T) {
			err := CheckType(tt.typ)
			refused, ok := errors.AsType[*TypeError](err)
			if !ok {
				t.Fatalf("got %v, want a TypeError", err)
			}
			if refused.Type != tt.typ || refused.Path != tt.path {
				t.Errorf("got type %v, path %s\nwant path %s", refused.Type, refused.Path, tt.path)
			}
			if !strings.Contains(refused.Reason, tt.says) {
				t.Errorf("got reason %q, want it to say %q", refused.Reason, tt.says)
			}
			if want := tt.path + " cannot be sent to another process: "; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got message %q, want it to begin with %q", err, want)
			}
		})
	}
}

type pointHidden struct{ X, y int }

func TestNilTypeIsRefused(t *testing.T) {
	if _, ok := errors.AsType[*TypeError](CheckType(nil)); !ok {
		t.Errorf("got %v", CheckType(nil))
	}
}

func TestRefusedTypeHasNoCodec(t *testing.T) {
	c, err := NewCodec[stamped]()
	if _, ok := errors.AsType[*TypeError](err); !ok || c != nil {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestAcceptedTypes(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[whole](),
		reflect.TypeFor[struct{}](),
		reflect.TypeFor[struct {
			F    func()         `msgpack:"-"`
			G    chan int       `msgpack:"-,omitempty"` // the library skips it with this tag, too
			H    any            `msgpack:"'-'"`
			i    unsafe.Pointer `msgpack:"-"`
			_    struct{}       // fields of size 0 hold nothing
			_    [0]func()      // makes the struct incomparable
			None struct{}
		}](),
		reflect.TypeFor[struct {
			_msgpack struct{} `msgpack:",as_array"`
			A        int
		}](),
		reflect.TypeFor[struct{ inner }](),        // its exported fields are found
		reflect.TypeFor[struct{ time.Time }](),    // promoted, and nothing else to lose
		reflect.TypeFor[struct{ Slice[int8] }](),  //
		reflect.TypeFor[hushed](),                 //
		reflect.TypeFor[pair[int]](),              // methods of a generic type do not count as promoted
		reflect.TypeFor[map[string]*big.Int](),    //
		reflect.TypeFor[[]big.Int](),              // elements of a slice have an address
		reflect.TypeFor[map[string][]big.Int](),   //
		reflect.TypeFor[map[string]*[2]big.Int](), //
		reflect.TypeFor[map[string]time.Time](),   //
		reflect.TypeFor[map[string]struct{ T tag }](),
		reflect.TypeFor[[4]level](),
		reflect.TypeFor[*big.Rat](),
		reflect.TypeFor[[]struct{ A, B inner }](), // using a type twice is not a cycle
		reflect.TypeFor[struct{ At *time.Time }](),
		reflect.TypeFor[msgpack.RawMessage](),
	} {
		if err := CheckType(typ); err != nil {
			t.Errorf("%v: %v", typ, err)
		}
	}
}

// An accepted type with fields that are skipped or hold nothing really travels by the library.
func TestLeftOutFieldsTravel(t *testing.T) {
	type message struct {
		_    [0]func()
		_    struct{}
		A    int
		F    func()   `msgpack:"-"`
		G    chan int `msgpack:"-,omitempty"`
		H    any      `msgpack:"'-'"`
		None struct{}
	}
	arrives(t, message{A: 5})
	arrives(t, struct {
		F func() `msgpack:"-"`
	}{})
	arrives(t, hushed{span{1, 2}})
}

// Whether any extension may come decides how strictly a body is checked.
func TestWalkFindsTypesWithExtensions(t *testing.T) {
	tests := []struct {
		typ  reflect.Type
		want bool
	}{
		{reflect.TypeFor[whole](), false},
		{reflect.TypeFor[Slice[int]](), false},
		{reflect.TypeFor[struct{ Slice[int] }](), false},
		{reflect.TypeFor[[]tag](), false},
		{reflect.TypeFor[span](), false},
		{reflect.TypeFor[map[string]time.Time](), true},
		{reflect.TypeFor[*time.Time](), true},
		{reflect.TypeFor[[]struct{ P *point }](), true},
		{reflect.TypeFor[packed](), true},
	}
	for _, tt := range tests {
		w, err := walkType(tt.typ)
		if err != nil || w.exts != tt.want {
			t.Errorf("%v: got %v, %v, want %v", tt.typ, w.exts, err, tt.want)
		}
	}
}
