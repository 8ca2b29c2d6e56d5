package transport

import (
	"encoding"
	"fmt"
	"math/big"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// A TypeError says why values of a type cannot be sent to another process.
type TypeError struct {
	Type   reflect.Type // the type that was to be sent
	Path   string       // the part of it that cannot travel, such as "main.Args.Callback[]"
	Reason string       // why, and what to do about it
}

func (e *TypeError) Error() string {
	return fmt.Sprintf("%s cannot be sent to another process: %s", e.Path, e.Reason)
}

// CheckType returns a [TypeError] if a value of type t could be lost, changed or cut short on its
// way to another process. It looks at the type alone: every field, element, key and pointer target.
// Values of the types that it allows arrive equal, except that two pointers to one variable arrive
// as pointers to two, and that a [time.Time] arrives in the local time zone. Types that encode
// themselves are trusted: what their methods drop is lost, and if they write no bytes they arrive
// as nil.
func CheckType(t reflect.Type) error {
	_, err := walkType(t)
	return err
}

func walkType(t reflect.Type) (*typeWalk, error) {
	w := &typeWalk{root: t}
	if t == nil {
		return w, &TypeError{Path: "nil", Reason: "it has no type"}
	}
	return w, w.check(t, t.String(), true)
}

type typeWalk struct {
	root reflect.Type
	open []reflect.Type // the types that t is a part of, outermost first
	keys int            // the map keys that t is a part of
	exts bool           // some part may travel as an msgpack extension other than those of numbers

	refers  bool // some part may be, or contain, a shared object
	methods bool // some part encodes itself, by methods that are not of this package
}

func (w *typeWalk) refuse(path, reason string, args ...any) error {
	return &TypeError{Type: w.root, Path: path, Reason: fmt.Sprintf(reason, args...)}
}

// check walks t, which is found at path. Its values are addressable unless they are in a map.
func (w *typeWalk) check(t reflect.Type, path string, addressable bool) error {
	switch {
	case t.Kind() == reflect.Pointer && w.keys > 0:
		return w.refuse(path, "%v: a pointer used as a key has no meaning in another process", t)
	case t == timeType && w.keys > 0:
		return w.refuseTime(path)
	case t == floatType:
		return w.refuse(path, "a big.Float arrives with a precision of 64 bits; send the result of its GobEncode instead")
	case t.Kind() == reflect.Pointer:
		return w.checkPointer(t, path)
	}
	if out, in := encodeForm(t), decodeForm(t); out != "" || in != "" {
		return w.checkForms(t, path, out, in, addressable)
	}
	for _, outer := range w.open {
		if outer == t {
			return w.refuse(path, "%v contains itself, and a cycle of pointers has no end; "+
				"keep the parts in a slice and refer to them by index", t)
		}
	}
	w.open = append(w.open, t)
	defer func() { w.open = w.open[:len(w.open)-1] }()

	switch t.Kind() {
	case reflect.Struct:
		return w.checkFields(t, path, addressable)
	case reflect.Slice:
		return w.check(t.Elem(), path+"[]", true)
	case reflect.Array:
		if e := t.Elem(); !addressable && e.Kind() == reflect.Uint8 && e != byteType {
			return w.refuse(path, "%v in a map: msgpack can copy no array of %v out of it; use [%d]byte", t, e, t.Len())
		}
		return w.check(t.Elem(), path+"[]", addressable)
	case reflect.Map:
		w.keys++
		err := w.check(t.Key(), path+"[key]", false)
		w.keys--
		if err != nil {
			return err
		}
		return w.check(t.Elem(), path+"[]", false)
	case reflect.Func:
		return w.refuse(path, "it is a function (%v), which lives in one process; send what it needs and register a task", t)
	case reflect.Chan:
		return w.refuse(path, "it is a channel (%v), which lives in one process", t)
	case reflect.Interface:
		return w.refuse(path, "it is an interface (%v), and the type in it would be lost; use a concrete type", t)
	case reflect.UnsafePointer, reflect.Uintptr:
		return w.refuse(path, "%v is an address, which means nothing in another process", t)
	case reflect.Complex64, reflect.Complex128:
		return w.refuse(path, "msgpack has no complex numbers; use a struct of two floats")
	}
	return nil
}

func (w *typeWalk) checkPointer(t reflect.Type, path string) error {
	elem := t.Elem()
	switch elem.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return w.refuse(path, "%v: a pointer to nil would arrive as a nil pointer; drop the outer pointer", t)
	}
	// The library takes the methods of *T or of T, depending on which type it has met first.
	if encodeForm(t) != encodeForm(elem) || decodeForm(t) != decodeForm(elem) {
		return w.refuse(path, "%v and %v encode themselves in two ways; give both the same methods", t, elem)
	}
	return w.check(elem, path, true)
}

func (w *typeWalk) checkFields(t reflect.Type, path string, addressable bool) error {
	for f := range t.Fields() {
		at := path + "." + f.Name
		name, options, _ := strings.Cut(f.Tag.Get("msgpack"), ",")
		switch {
		case strings.Trim(name, " '") == "-":
			continue // skipped on purpose
		case !f.IsExported() && !f.Anonymous && f.Type.Size() == 0:
			continue // skipped, and nothing is lost
		case hasOption(options, "intern"):
			return w.refuse(at, "its tag says intern, and no message may depend on an earlier one; drop the option")
		case f.Anonymous && (hasOption(options, "inline") || hasOption(options, "noinline")):
			return w.refuse(at, "its tag says inline or noinline, which can lose fields of one name; drop the option")
		case f.Anonymous && !f.IsExported() && codesItself(f.Type):
			return w.refuse(at, "%v encodes itself, and its methods cannot be called there; give the field an exported name", f.Type)
		case f.Anonymous && f.Type.Kind() == reflect.Pointer && encodeForm(f.Type) == "":
			return w.refuse(at, "an embedded nil pointer would arrive as a pointer to a zero value; give the field a name")
		case !f.IsExported() && !(f.Anonymous && f.Type.Kind() == reflect.Struct):
			return w.refuse(at, "it is not exported and would arrive empty; export it, or tag it `msgpack:\"-\"` to leave it out")
		}
		if err := w.check(f.Type, at, addressable); err != nil {
			return err
		}
	}
	return nil
}

func hasOption(options, name string) bool {
	for option := range strings.SplitSeq(options, ",") {
		if strings.TrimSpace(option) == name {
			return true
		}
	}
	return false
}

// checkForms checks a type with methods of its own for one or both directions.
func (w *typeWalk) checkForms(t reflect.Type, path, out, in string, addressable bool) error {
	if _, numbers := reflect.Zero(t).Interface().(interface{ numbers() }); !numbers {
		w.exts = w.exts || out == "time" || out == "EncodeMsgpack" || out == "MarshalMsgpack"
		w.refers = w.refers || out == "EncodeMsgpack"
		w.methods = w.methods || out != "time"
	}
	switch {
	case out == "":
		return w.refuse(path, "%v has a method to decode itself (%s) and none to encode itself", t, in)
	case in == "":
		return w.refuse(path, "%v has a method to encode itself (%s) and none to decode itself", t, out)
	case out != in:
		return w.refuse(path, "%v encodes itself by %s but decodes itself by %s", t, out, in)
	case promoted(t, out):
		return w.refuse(path, "%v takes its %s from an embedded field, so the other fields would be lost; give that field a name", t, out)
	case t != timeType && implementsAny(t, decoders):
		return w.refuse(path, "%v decodes itself by a method on the value, not on the pointer, which can set nothing", t)
	case !addressable && t != timeType && !implementsAny(t, encoders):
		return w.refuse(path, "%v in a map: its methods are on the pointer and cannot be called there; store *%v", t, t)
	case w.keys > 0:
		return w.checkParts(t, path)
	}
	return nil
}

// A form is a pair of interfaces by which a type may encode and decode itself. The forms are in the
// order in which msgpack looks for them.
var (
	timeType  = reflect.TypeFor[time.Time]()
	floatType = reflect.TypeFor[big.Float]()
	byteType  = reflect.TypeFor[byte]()
	forms     = []string{"EncodeMsgpack", "MarshalMsgpack", "MarshalBinary", "MarshalText"}
	encoders  = []reflect.Type{
		reflect.TypeFor[msgpack.CustomEncoder](), reflect.TypeFor[msgpack.Marshaler](),
		reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.TextMarshaler](),
	}
	decoders = []reflect.Type{
		reflect.TypeFor[msgpack.CustomDecoder](), reflect.TypeFor[msgpack.Unmarshaler](),
		reflect.TypeFor[encoding.BinaryUnmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
	}
)

func codesItself(t reflect.Type) bool { return encodeForm(t) != "" || decodeForm(t) != "" }

func encodeForm(t reflect.Type) string { return formOf(t, encoders) }
func decodeForm(t reflect.Type) string { return formOf(t, decoders) }

// formOf returns the name of the form that msgpack picks for t: a method of t itself, else one of
// *t.
func formOf(t reflect.Type, methods []reflect.Type) string {
	if t == timeType || t == reflect.PointerTo(timeType) {
		return "time"
	}
	for _, u := range []reflect.Type{t, reflect.PointerTo(t)} {
		for i, m := range methods {
			if u.Kind() != reflect.Interface && u.Implements(m) {
				return forms[i]
			}
		}
		if t.Kind() == reflect.Pointer {
			break
		}
	}
	return ""
}

// promoted reports whether the method of a struct with several fields comes from an embedded field:
// the compiler wrote it.
func promoted(t reflect.Type, method string) bool {
	if t.Kind() != reflect.Struct || t.NumField() < 2 {
		return false
	}
	m, ok := t.MethodByName(method)
	if !ok {
		if m, ok = reflect.PointerTo(t).MethodByName(method); !ok {
			return false
		}
	}
	file, _ := runtime.FuncForPC(m.Func.Pointer()).FileLine(m.Func.Pointer())
	return file == "<autogenerated>"
}

func implementsAny(t reflect.Type, methods []reflect.Type) bool {
	for _, m := range methods {
		if t.Implements(m) {
			return true
		}
	}
	return false
}
