package manager

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// Errors name the method that was called as Go does, with its type. The test checks each method of
// each type that can fail.
func TestErrorsNameTheMethod(t *testing.T) {
	ctx := within(t)
	c := serve(t)()
	lock := must1(NewLock(ctx, c))
	objects := []any{
		must1(NewDict[int, int](ctx, c)), must1(NewList(ctx, c, []int{1})), must1(NewArray[int](ctx, c, 1)), must1(NewValue(ctx, c, 1)),
		must1(NewQueue[int](ctx, c, 1)), lock, must1(NewRLock(ctx, c)), must1(NewCond(ctx, lock)), must1(NewSemaphore(ctx, c, 1)),
		must1(NewEvent(ctx, c)), must1(NewBarrier(ctx, c, 1)), must1(NewPool(ctx, c, 1)),
	}
	check(t, c.Close())
	contextType, errorType := reflect.TypeFor[context.Context](), reflect.TypeFor[error]()
	named := 0
	for _, o := range objects {
		v := reflect.ValueOf(o)
		typ, _, _ := strings.Cut(v.Type().Elem().Name(), "[")
		for i := range v.NumMethod() {
			f, method := v.Method(i), v.Type().Method(i).Name
			last := f.Type().NumOut() - 1
			switch {
			case last < 0, f.Type().Out(last) != errorType, strings.HasSuffix(method, "Msgpack"),
				method == "Close", method == "Free", method == "Do", method == "WaitFor", method == "Update": // these name others
				continue
			}
			var in []reflect.Value
			for j := range f.Type().NumIn() {
				if f.Type().In(j) == contextType {
					in = append(in, reflect.ValueOf(ctx))
				} else {
					in = append(in, reflect.Zero(f.Type().In(j)))
				}
			}
			call := f.Call
			if f.Type().IsVariadic() {
				call = f.CallSlice
			}
			err, _ := call(in)[last].Interface().(error)
			if want := "manager: " + typ + "." + method + ": "; err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%v, want %q first", err, want)
			}
			named++
		}
	}
	if named < 50 {
		t.Errorf("%d methods were looked at", named)
	}
	_, err := NewBoundedSemaphore(ctx, c, 1)
	equal(t, "constructor", strings.HasPrefix(err.Error(), "manager: NewBoundedSemaphore: "), true)
	_, err = upper.Call(ctx, c, "")
	equal(t, "function", strings.HasPrefix(err.Error(), "manager: upper: "), true)
}

// A method's name may contain a dot although no object has such a method.
func TestCallOfNoMethod(t *testing.T) {
	ctx := within(t)
	bank := must1(accounts.New(ctx, serve(t)()))
	_, err := Call[int](ctx, bank, "account.Deposit", 1)
	wants(t, "a name with a dot", err, ErrNoMethod)
	failed, _ := errors.AsType[*CallError](err)
	if failed == nil || failed.Method != "account.Deposit" {
		t.Errorf("%#v", err)
	}
}
