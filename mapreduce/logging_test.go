package mapreduce

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

// A recorder is a handler that keeps its records.
type recorder struct {
	slog.Handler
	least slog.Level
	do    func(slog.Record) error

	mu  sync.Mutex
	all []slog.Record
}

func (r *recorder) Enabled(_ context.Context, level slog.Level) bool { return level >= r.least }

func (r *recorder) Handle(_ context.Context, record slog.Record) error {
	r.mu.Lock()
	r.all = append(r.all, record)
	r.mu.Unlock()
	if r.do != nil {
		return r.do(record)
	}
	return nil
}

func attrsOf(r slog.Record) map[string]slog.Value {
	all := make(map[string]slog.Value)
	r.Attrs(func(a slog.Attr) bool {
		all[a.Key] = a.Value
		return true
	})
	return all
}

// recordsOf returns the records that are logged while f uses the pool.
func recordsOf(t *testing.T, r *recorder, f func(*Pool), options ...PoolOption) []slog.Record {
	t.Helper()
	p, err := NewPool(t.Context(), append(options, Procs(1), Logger(r))...)
	if err != nil {
		t.Fatal(err)
	}
	f(p)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	return r.all
}

type secret struct{}

func (secret) LogValue() slog.Value { return slog.GroupValue(slog.String("shown", "yes")) }

var logTime = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

var logMuch = Func(func(n int) int {
	switch n {
	case 0:
		slog.Info("kinds", "int", -1, "least", math.MinInt64, "uint", uint64(math.MaxUint64), "float", -0.5, "bool", true, "no", false,
			"duration", -time.Second, "text", "a b", "time", logTime, "error", errors.New("broken"), "any", []int{1}, "nil", nil,
			"valuer", secret{}, slog.Group("group", "a", 1, slog.Group("inner", "b", 2)), slog.Group("", "inline", 3), slog.Attr{})
	case 1:
		l := slog.With("first", 1).WithGroup("g").With("second", 2)
		l.WithGroup("h").Warn("groups", "third", 3)
		l.Warn("groups", "third", 4)
	case 2:
		for _, level := range []slog.Level{-1000, -8, slog.LevelDebug, 1, slog.LevelError, 12, 100_000} {
			slog.Log(context.Background(), level, "level")
		}
	case 3:
		log.Printf("it is %d", n)
	case 4:
		slog.Info(strings.Repeat("long ", 100_000))
	default:
		slog.Info("item", "n", n)
	}
	return n
})

func TestLogKinds(t *testing.T) {
	before := time.Now().Add(-time.Second)
	r := recordsOf(t, &recorder{}, func(p *Pool) {
		if _, err := logMuch.Map(t.Context(), p, numbers(1)); err != nil {
			t.Error(err)
		}
	})
	if len(r) != 1 || r[0].Message != "kinds" || r[0].Level != slog.LevelInfo || r[0].Time.Before(before) || r[0].Time.After(time.Now().Add(time.Second)) {
		t.Fatalf("%+v", r)
	}
	want := map[string]slog.Value{
		"int": slog.IntValue(-1), "least": slog.Int64Value(math.MinInt64), "uint": slog.Uint64Value(math.MaxUint64), "float": slog.Float64Value(-0.5),
		"bool": slog.BoolValue(true), "no": slog.BoolValue(false), "duration": slog.DurationValue(-time.Second), "text": slog.StringValue("a b"),
		"time": slog.TimeValue(logTime), "error": slog.StringValue("broken"), "any": slog.StringValue("[1]"), "nil": slog.StringValue("<nil>"),
		"valuer.shown": slog.StringValue("yes"), "group.a": slog.IntValue(1), "group.inner.b": slog.IntValue(2), "inline": slog.IntValue(3),
		"worker": slog.IntValue(1), "item": slog.IntValue(0),
	}
	got := attrsOf(r[0])
	for key, value := range want {
		if !got[key].Equal(value) {
			t.Errorf("%s: %v %v, want %v", key, got[key].Kind(), got[key], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d attributes, want %d: %v", len(got), len(want), got)
	}
}

func TestLogGroupsAndLevels(t *testing.T) {
	r := recordsOf(t, &recorder{least: -8}, func(p *Pool) {
		if _, err := logMuch.Map(t.Context(), p, []int{1, 2, 3, 4}, Chunksize(4)); err != nil {
			t.Error(err)
		}
	})
	if len(r) != 2+6+1+1 {
		t.Fatalf("%d records: %v", len(r), r)
	}
	for i, last := range []string{"g.h.third", "g.third"} {
		got := attrsOf(r[i])
		for _, key := range []string{"first", "g.second", last} {
			if _, ok := got[key]; !ok {
				t.Errorf("record %d: no %s in %v", i, key, got)
			}
		}
	}
	for i, level := range []slog.Level{-8, slog.LevelDebug, 1, slog.LevelError, 12, 100_000} {
		if r[2+i].Level != level {
			t.Errorf("level %v, want %v", r[2+i].Level, level)
		}
	}
	if r[8].Message != "it is 3" || r[8].Level != slog.LevelInfo {
		t.Errorf("of log.Printf: %+v", r[8])
	}
	if len(r[9].Message) != 500_000 {
		t.Errorf("a long message has %d bytes", len(r[9].Message))
	}
}

// The item of a record is the one that logged it, even if the worker runs another when the record
// arrives.
func TestLogNamesTheItem(t *testing.T) {
	r := recordsOf(t, &recorder{}, func(p *Pool) {
		args := make([]int, 500)
		for i := range args {
			args[i] = i + 1000
		}
		if _, err := logMuch.Map(t.Context(), p, args, Chunksize(50)); err != nil {
			t.Error(err)
		}
	})
	for i, record := range r {
		if got := attrsOf(record); got["item"].Kind() != slog.KindInt64 || got["item"].Int64()+1000 != got["n"].Int64() || got["worker"].Int64() != 1 {
			t.Fatalf("record %d: %v", i, got)
		}
	}
	if len(r) != 500 {
		t.Errorf("%d records", len(r))
	}
}

func TestLogHandlerFails(t *testing.T) {
	for what, do := range map[string]func(slog.Record) error{
		"error": func(slog.Record) error { return errInput },
		"panic": func(slog.Record) error { panic("the log handler of this test") },
	} {
		t.Run(what, func(t *testing.T) {
			r := recordsOf(t, &recorder{do: do}, func(p *Pool) {
				if got, err := logMuch.Map(t.Context(), p, []int{10, 11, 12}); err != nil || len(got) != 3 {
					t.Errorf("%v, %v", got, err)
				}
				if lost := p.Stats().Lost; lost > 0 {
					t.Errorf("%d workers were lost", lost)
				}
				checkUsable(t, p)
			})
			if len(r) != 3 {
				t.Errorf("%d records", len(r))
			}
		})
	}
}

var logState = NewState(func(_ context.Context, name string) (string, error) {
	slog.Info("begin " + name)
	return name, nil
}, func(name string) error {
	slog.Info("end " + name)
	return nil
})

func TestLogOfState(t *testing.T) {
	r := recordsOf(t, &recorder{}, func(p *Pool) { checkUsable(t, p) }, logState.Initializer("state"))
	if len(r) != 2 || r[0].Message != "begin state" || r[1].Message != "end state" {
		t.Errorf("%v", r)
	}
	for _, record := range r {
		if got := attrsOf(record); len(got) != 1 || got["worker"].Int64() != 1 {
			t.Errorf("%q has %v", record.Message, got)
		}
	}
}

func TestLogWithoutLogger(t *testing.T) {
	text := captureLog(t)
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := logMuch.Map(t.Context(), p, []int{99}); err != nil {
		t.Error(err)
	}
	p.Close()
	if !strings.Contains(text.String(), "level=INFO msg=item n=99 worker=1 item=0") {
		t.Errorf("%s", text)
	}
}

// A large record that a worker writes at its very end arrives, even though the worker's memory is
// gone.
func TestLargeLogRecordAtTheEnd(t *testing.T) {
	for range 10 {
		ends := 0
		for _, r := range recordsOf(t, &recorder{}, func(p *Pool) { checkUsable(t, p) }, logState.Initializer(strings.Repeat("x", 100_000))) {
			if strings.HasPrefix(r.Message, "end") {
				ends++
			}
		}
		if ends == 0 {
			t.Fatal("no record of an exit function has come")
		}
	}
}
