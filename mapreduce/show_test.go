package mapreduce

import (
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"runtime"
	"strings"
	"testing"
	"time"
)

type (
	password string
	login    struct {
		User string
		Pass password
	}
	token  struct{ secret string } // a method of its pointer decides what is shown
	hiding struct {
		Name string
		At   token
		in   password
	}
)

func (password) LogValue() slog.Value { return slog.StringValue("***") }
func (t *token) LogValue() slog.Value { return slog.GroupValue(slog.Int("length", len(t.secret))) }

// show formats a small value as fmt does.
func TestShowIsFmt(t *testing.T) {
	n := 7
	for _, v := range []any{
		1, -1.5, "text", true, nil, []int{1, 2}, []byte("ab"), [2]string{"a", "b"}, point{1, 2}, &point{1, 2}, []point{{1, 2}},
		map[string]int{"b": 2, "a": 1}, struct{ p *int }{nil}, time.Second, []time.Duration{time.Second}, errors.New("no"),
		big.NewInt(5), []*big.Int{big.NewInt(5)}, time.Time{}, struct{ At time.Time }{}, (*point)(nil), []any{1, "a", nil},
		complex(1, 2), uint8(3), [0]int{}, []string(nil), map[int]int(nil),
	} {
		if got, want := show(v), fmt.Sprintf("%+v", v); got != want {
			t.Errorf("%T: %s, want %s", v, got, want)
		}
	}
	if got := show([]*int{&n}); got != "[&7]" {
		t.Errorf("a pointer in a slice: %s", got)
	}
	if got := show("ä" + strings.Repeat("ä", most)); got != strings.Repeat("ä", most/2)+"…" {
		t.Errorf("a long text: %s", got)
	}
}

func TestShowKeepsSecrets(t *testing.T) {
	const secret = "swordfish"
	for want, v := range map[string]any{
		"***":                           password(secret),
		"{User:me Pass:***}":            login{"me", secret},
		"&{User:me Pass:***}":           &login{"me", secret},
		"[{User:me Pass:***}]":          []login{{"me", secret}},
		"map[me:***]":                   map[string]password{"me": secret},
		"map[***:1]":                    map[password]int{secret: 1},
		"[length=9]":                    token{secret},
		"[[length=9]]":                  []token{{secret}},
		"{Name:a At:[length=9] in:***}": hiding{"a", token{secret}, secret},
	} {
		if got := show(v); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if text := (&TaskError{Index: 1, Input: v, Msg: "no"}).Error(); text != "item 1 ("+want+"): no" {
			t.Error(text)
		}
	}
}

// The text of an error costs the same for items of any size.
func TestShowIsCheap(t *testing.T) {
	many := make(map[int]string)
	for i := range 200_000 {
		many[i] = "value"
	}
	for _, v := range []any{
		make([]float64, 5e6), make([]string, 1e6), strings.Repeat("x", 40<<20), many, [1 << 20]int{}, make([]byte, 40<<20),
		struct{ A []float64 }{make([]float64, 5e6)}, [][]float64{make([]float64, 5e6)}, new(big.Int).Lsh(big.NewInt(1), 80<<20),
	} {
		var before, after runtime.MemStats
		failed := &TaskError{Input: v, Msg: "no"}
		runtime.ReadMemStats(&before)
		text := failed.Error()
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 || len(text) > 200 {
			t.Errorf("%T: a text of %d bytes took %d", v, len(text), took)
		}
	}
}
