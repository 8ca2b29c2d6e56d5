package main

import (
	"context"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mrrun/mapreduce/manager"
	"mrrun/shared"
	"mrrun/transport"
)

// sharedTypes are the types of shared objects, by their names in README.
var sharedTypes = map[string]reflect.Type{
	"shared.Lock": reflect.TypeFor[*shared.Lock](), "shared.RLock": reflect.TypeFor[*shared.RLock](),
	"shared.Semaphore": reflect.TypeFor[*shared.Semaphore](), "shared.Cond": reflect.TypeFor[*shared.Cond](),
	"shared.Event": reflect.TypeFor[*shared.Event](), "shared.Barrier": reflect.TypeFor[*shared.Barrier](),
	"shared.Value": reflect.TypeFor[*shared.Value[int]](), "shared.Array": reflect.TypeFor[*shared.Array[int]](),
	"transport.Queue": reflect.TypeFor[*transport.Queue[int]](), "transport.PipeEnd": reflect.TypeFor[*transport.PipeEnd[int]](),
	"manager.Queue": reflect.TypeFor[*manager.Queue[int]](), "manager.Lock": reflect.TypeFor[*manager.Lock](),
	"manager.RLock": reflect.TypeFor[*manager.RLock](), "manager.Semaphore": reflect.TypeFor[*manager.Semaphore](),
	"manager.Cond": reflect.TypeFor[*manager.Cond](), "manager.Event": reflect.TypeFor[*manager.Event](),
	"manager.Barrier": reflect.TypeFor[*manager.Barrier](), "manager.Dict": reflect.TypeFor[*manager.Dict[int, int]](),
	"manager.List": reflect.TypeFor[*manager.List[int]](), "manager.Array": reflect.TypeFor[*manager.Array[int]](),
	"manager.Value": reflect.TypeFor[*manager.Value[int]](), "manager.Pool": reflect.TypeFor[*manager.Pool](),
}

var (
	wordsRow = regexp.MustCompile("(?m)^\\| (`(?:shared|transport|manager)\\..*) \\| (.*) \\| (.*) \\|$")
	word     = regexp.MustCompile("`([\\w.]+)`")
)

// TestReadmeWords compares README's table of shared objects with the types themselves: which
// methods take a ctx, and which types have a Close.
func TestReadmeWords(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(readme), "\n### Same words, same meaning\n")
	if !found {
		t.Fatal("README has no such section")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	told := map[string]string{} // Close of each type
	for _, row := range wordsRow.FindAllStringSubmatch(section, -1) {
		for _, name := range words(row[1]) {
			typ, known := sharedTypes[name]
			if _, twice := told[name]; twice || !known {
				t.Errorf("%s: known %t, twice %t", name, known, twice)
				continue
			}
			told[name] = row[3]
			checkCtx(t, name, typ, row[2])
			_, closes := typ.MethodByName("Close")
			if none := strings.HasPrefix(row[3], "none"); closes == none {
				t.Errorf("%s has Close: %t; README says %q", name, closes, row[3])
			}
		}
	}
	for name := range sharedTypes {
		if told[name] == "" {
			t.Errorf("README says nothing of %s", name)
		}
	}
	for name, close := range told {
		if _, of, as := strings.Cut(close, "as of "); as && told[words(of)[0]] == "" {
			t.Errorf("%s: %q leads nowhere", name, close)
		}
	}
}

// checkCtx compares the methods that take a ctx with README, which names them, or all except some,
// or none.
func checkCtx(t *testing.T, name string, typ reflect.Type, says string) {
	t.Helper()
	var with, without []string
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		switch {
		case strings.HasSuffix(m.Name, "Msgpack"), m.Name == "String":
		case m.Type.NumIn() > 1 && m.Type.In(1) == reflect.TypeFor[context.Context]():
			with = append(with, m.Name)
		default:
			without = append(without, m.Name)
		}
	}
	want, listed := with, words(says)
	switch {
	case strings.HasPrefix(says, "none"):
		listed = nil
	case strings.HasPrefix(says, "all but "):
		want = without
	}
	slices.Sort(listed)
	slices.Sort(want)
	if !slices.Equal(listed, want) {
		t.Errorf("%s: README says %q; %q take a ctx, %q do not", name, says, with, without)
	}
}

// words returns the words in backquotes.
func words(s string) (all []string) {
	for _, m := range word.FindAllStringSubmatch(s, -1) {
		all = append(all, m[1])
	}
	return all
}
