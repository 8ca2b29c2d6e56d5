package mapreduce

import (
	"fmt"
	"log/slog"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

// most is how many bytes of a value are shown: enough to recognise it.
const most = 80

// show returns the beginning of the text of a value, formatted like %+v, at a cost that does not
// depend on the value's size. A part that is a [slog.LogValuer] decides what is shown of it.
func show(v any) string {
	b := brief{}
	at := reflect.ValueOf(v)
	if at.IsValid() && at.Type().Size() <= 64<<10 { // for access to unexported fields
		held := reflect.New(at.Type()).Elem()
		held.Set(at)
		at = held
	}
	b.value(at)
	return short(b.String())
}

// showPlain is show for a value that the program may be changing: it returns nothing unless all of it
// is in v.
func showPlain[T any](v T) string {
	if !isPlain(reflect.TypeFor[T]()) {
		return ""
	}
	return show(v)
}

func isPlain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if !isPlain(t.Field(i).Type) {
				return false
			}
		}
		return true
	case reflect.Array:
		return isPlain(t.Elem())
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return false
	}
	return true
}

// short cuts a text of which the beginning is enough to recognise it.
func short(s string) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// A brief builds a text, and stops when it is long enough.
type brief struct{ strings.Builder }

func (b *brief) full() bool { return b.Len() > most }

func (b *brief) value(v reflect.Value) {
	if b.full() || b.own(v) {
		return
	}
	switch v.Kind() {
	case reflect.Invalid:
		b.WriteString("<nil>")
	case reflect.String:
		b.WriteString(v.String()[:min(v.Len(), most+1)])
	case reflect.Slice, reflect.Array:
		b.parts("[", v.Len(), func(i int) { b.value(v.Index(i)) }, "]")
	case reflect.Map:
		b.pairs(v)
	case reflect.Struct:
		b.parts("{", v.NumField(), func(i int) {
			b.WriteString(v.Type().Field(i).Name + ":")
			b.value(v.Field(i))
		}, "}")
	case reflect.Pointer, reflect.Interface:
		if v.Kind() == reflect.Pointer && !v.IsNil() {
			b.WriteByte('&')
		}
		b.value(v.Elem())
	default:
		fmt.Fprintf(b, "%v", v)
	}
}

// own writes v as its type's own methods format it, if it has any. It reports whether it did.
func (b *brief) own(v reflect.Value) bool {
	if !v.IsValid() || v.Kind() == reflect.Interface {
		return false
	}
	if v.CanAddr() {
		v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem() // even if it is unexported
	}
	if !v.CanInterface() {
		return false
	}
	asked := v.Interface()
	if _, ok := asked.(slog.LogValuer); !ok && v.CanAddr() {
		if _, ok := v.Addr().Interface().(slog.LogValuer); ok {
			asked = v.Addr().Interface()
		}
	}
	switch own := asked.(type) {
	case slog.LogValuer:
		if said := slog.AnyValue(own).Resolve(); said.Kind() == slog.KindAny {
			b.value(reflect.ValueOf(said.Any()))
		} else {
			b.WriteString(said.String())
		}
	case *big.Int:
		if own == nil || own.BitLen() <= 4*most {
			return b.print(own)
		}
		fmt.Fprintf(b, "a number of %d bits", own.BitLen())
	case error, fmt.Stringer, fmt.Formatter:
		return b.print(own)
	default:
		return false
	}
	return true
}

func (b *brief) print(v any) bool {
	fmt.Fprintf(b, "%+v", v)
	return true
}

// parts writes n parts between open and end, but no more than fit.
func (b *brief) parts(open string, n int, part func(i int), end string) {
	b.WriteString(open)
	for i := 0; i < n && !b.full(); i++ {
		if i > 0 {
			b.WriteByte(' ')
		}
		part(i)
	}
	b.WriteString(end)
}

// pairs writes a map in the order of its keys' texts; of a large map, some of its pairs.
func (b *brief) pairs(v reflect.Value) {
	var texts []string
	for all := v.MapRange(); len(texts) < most && all.Next(); {
		var pair brief
		pair.value(all.Key())
		pair.WriteByte(':')
		pair.value(all.Value())
		texts = append(texts, pair.String())
	}
	slices.Sort(texts)
	b.parts("map[", len(texts), func(i int) { b.WriteString(texts[i]) }, "]")
}
