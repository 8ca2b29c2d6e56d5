package mapreduce

import (
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"mrrun/mapreduce/internal/proc"
)

func TestPoolOptions(t *testing.T) {
	cores := runtime.GOMAXPROCS(0)
	for _, test := range []struct {
		name    string
		options []PoolOption
		want    poolOptions
		err     string
	}{
		{name: "none", want: poolOptions{procs: cores}},
		{name: "procs", options: []PoolOption{Procs(3)}, want: poolOptions{procs: 3}},
		{name: "automatic", options: []PoolOption{Procs(3), Procs(0)}, want: poolOptions{procs: cores}},
		{name: "most", options: []PoolOption{Procs(MaxProcs)}, want: poolOptions{procs: MaxProcs}},
		{name: "too many", options: []PoolOption{Procs(MaxProcs + 1)}, err: "Procs(1025)"},
		{name: "negative", options: []PoolOption{Procs(-1)}, err: "Procs(-1)"},
		{name: "chunk size", options: []PoolOption{Chunksize(7), Procs(2)}, want: poolOptions{procs: 2, call: callOptions{chunksize: 7}}},
		{name: "negative chunk size", options: []PoolOption{Chunksize(-7)}, err: "Chunksize(-7)"},
		{name: "negative time", options: []PoolOption{KeepShared(-1)}, err: "KeepShared(-1ns)"},
		{name: "the last counts", options: []PoolOption{Procs(2), Chunksize(7), Chunksize(0), Procs(4)}, want: poolOptions{procs: 4}},
	} {
		test.want.call.retries = DefaultRetries
		got, err := newPoolOptions(test.options)
		switch {
		case test.err == "" && (err != nil || !reflect.DeepEqual(got, test.want)):
			t.Errorf("%s: %+v, %v; want %+v", test.name, got, err, test.want)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%s: error %v, want one about %s", test.name, err, test.err)
		}
	}
	if _, err := NewPool(t.Context(), Procs(-1)); err == nil {
		t.Error("NewPool takes Procs(-1)")
	}
}

// The README states the defaults.
func TestReadmeDefaults(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(readme)), " ")
	if proc.HelloTime != 30*time.Second || DefaultExitTimeout != time.Minute || restartsAllowed != 200 || restartPeriod != 10*time.Second {
		t.Error("a default has changed: change README too")
	}
	for _, want := range []string{
		"A worker has 30 seconds to reach `Main` (`StartTimeout`), and a minute to end in good order (`ExitTimeout`).",
		"Where 200 die within 10 seconds through no fault of an item the pool gives up (`RestartIntensity`).",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("README does not say %q", want)
		}
	}
}

func TestCallOptions(t *testing.T) {
	pool := callOptions{chunksize: 5}
	for _, test := range []struct {
		options []CallOption
		want    int
	}{
		{nil, 5},
		{[]CallOption{Chunksize(0)}, 0},
		{[]CallOption{Chunksize(9)}, 9},
		{[]CallOption{Chunksize(9), Chunksize(1)}, 1},
	} {
		if got, err := pool.with(test.options); err != nil || got.chunksize != test.want {
			t.Errorf("%v: %+v, %v; want %d", test.options, got, err, test.want)
		}
	}
	if pool.chunksize != 5 {
		t.Error("a call changed the options of its pool")
	}
}

func TestBadCallOptions(t *testing.T) {
	p := newPool(t)
	bad := Chunksize(-1)
	if _, err := echo.Map(t.Context(), p, numbers(3), bad); err == nil {
		t.Error("Map takes Chunksize(-1)")
	}
	if _, _, err := collect(echo.Imap(t.Context(), p, slices.Values(numbers(3)), bad)); err == nil {
		t.Error("Imap takes Chunksize(-1)")
	}
	if _, err := countWords.Run(t.Context(), p, wordJob{}, nil, bad); err == nil {
		t.Error("Run takes Chunksize(-1)")
	}
	checkUsable(t, p)
}

// Workers share the cores.
func TestWorkerMaxProcs(t *testing.T) {
	cores := runtime.GOMAXPROCS(0)
	for _, test := range []struct{ procs, want int }{{1, cores}, {cores, 1}, {cores + 1, 1}, {MaxProcs, 1}} {
		o := poolOptions{procs: test.procs}
		if got := o.maxProcs(); got != test.want {
			t.Errorf("%d workers on %d cores: GOMAXPROCS %d, want %d", test.procs, cores, got, test.want)
		}
	}
}
