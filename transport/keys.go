package transport

import "reflect"

// CheckKey returns a [TypeError] if values of type t cannot be keys of a map that several processes
// fill, such as that of a job or of a manager's dict. Besides what [CheckType] refuses, CheckKey
// refuses values that were equal by == before they travelled and are not afterwards: pointers, even
// as a part of a type that encodes itself, and [time.Time].
func CheckKey(t reflect.Type) error {
	w := &typeWalk{root: t, keys: 1}
	switch {
	case t == nil:
		return &TypeError{Path: "nil", Reason: "it has no type"}
	case !t.Comparable():
		return w.refuse(t.String(), "it is a key, and values of type %v cannot be compared by ==", t)
	}
	return w.check(t, t.String(), true)
}

// checkParts looks for pointers in the memory of a key that encodes itself: they arrive changed.
func (w *typeWalk) checkParts(t reflect.Type, path string) error {
	switch t.Kind() {
	case reflect.Pointer, reflect.Chan, reflect.UnsafePointer:
		return w.refuse(path, "%v: a pointer used as a key has no meaning in another process", t)
	case reflect.Array:
		return w.checkParts(t.Elem(), path+"[]")
	case reflect.Struct:
		if t.PkgPath() == "unique" { // a Handle: equal in every process; netip.Addr contains one
			return nil
		}
		for f := range t.Fields() {
			if f.Type == timeType {
				return w.refuseTime(path + "." + f.Name)
			}
			if err := w.checkParts(f.Type, path+"."+f.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *typeWalk) refuseTime(path string) error {
	return w.refuse(path, "a time.Time as key: its time zone is part of the key and stays behind; use its UnixNano")
}
