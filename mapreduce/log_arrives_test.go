//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"mrrun/transport"
)

// A lastWord is what a task logs just before its process ends, and how that ends.
type lastWord struct {
	Text string
	End  string
}

var logAndEnd = Func(func(w lastWord) int {
	if w.End != "log.Fatal" {
		slog.Info("first")
		slog.Info(w.Text)
	}
	switch w.End {
	case "log.Fatal":
		log.Fatal(w.Text)
	case "os.Exit":
		os.Exit(3)
	case "kill -9":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "crash":
		go panic("in a goroutine")
		select {}
	}
	return 1
})

// A record has left the worker when the call that logs it returns, even one of a size that answers
// would send through the worker's memory.
func TestLastLogRecord(t *testing.T) {
	checkLeaks(t)
	for _, end := range []string{"return", "log.Fatal", "os.Exit", "kill -9", "crash"} {
		for _, size := range []int{10, 300_000} {
			t.Run(fmt.Sprint(end, size), func(t *testing.T) {
				text := strings.Repeat("x", size)
				r := &recorder{}
				p := newPool(t, Procs(1), Retries(0), Logger(r), silent())
				for i := range 5 {
					_, err := logAndEnd.Apply(t.Context(), p, lastWord{text, end})
					if lost, ok := errors.AsType[*WorkerLostError](err); ok == (end == "return") {
						t.Fatalf("%v, %v", lost, err)
					}
					process, err := logAndEnd.Start(t.Context(), lastWord{text, end}, Logger(r), silent())
					if err != nil {
						t.Fatal(err)
					}
					_, _ = process.Wait()
					if n := r.count(text); n != 2*(i+1) {
						t.Fatalf("%d of %d last records have come", n, 2*(i+1))
					}
				}
			})
		}
	}
}

// count returns how many records have that message.
func (r *recorder) count(message string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.all {
		if r.all[i].Message == message {
			n++
		}
	}
	return n
}

var logLongLines = Func(func(n int) (growth int64) {
	text := strings.Repeat("y", 40_000)
	before := peakMemory()
	for range n {
		slog.Info(text)
	}
	return peakMemory() - before
})

// peakMemory returns the largest memory use of this process so far, in bytes.
func peakMemory() (bytes int64) {
	status, _ := os.ReadFile("/proc/self/status")
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	_, _ = fmt.Sscan(line, &bytes)
	return bytes << 10
}

// A handler that is slower than its workers holds them back.
func TestLogHoldsBack(t *testing.T) {
	const records = 2000
	slow := &recorder{do: func(slog.Record) error {
		time.Sleep(50 * time.Microsecond)
		return nil
	}}
	p := newPool(t, Procs(1), Logger(slow))
	growth, err := logLongLines.Apply(t.Context(), p, records)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d records of 40 kB grew the worker by %d KiB", records, growth>>10)
	if growth > 40<<20 {
		t.Errorf("the worker grew by %d MiB", growth>>20)
	}
	p.Close()
	if len(slow.all) != records {
		t.Errorf("%d records of %d", len(slow.all), records)
	}
}

// farTimes are outside the range of UnixNano.
var farTimes = []time.Time{
	{}, time.Unix(0, 0).UTC(), logTime,
	time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), time.Date(1500, 6, 1, 0, 0, 0, 0, time.UTC),
	time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(250_000, 1, 1, 0, 0, 0, 0, time.UTC),
	time.Date(2026, 7, 1, 12, 0, 0, 7, time.FixedZone("", 5*3600+1800)), time.Date(-44, 3, 15, 0, 0, 0, 0, time.UTC),
}

var logTimes = FuncContext(func(ctx context.Context, n int) (int, error) {
	at := farTimes[n]
	record := slog.NewRecord(at, slog.LevelInfo, "at", 0)
	record.AddAttrs(slog.Time("time", at), slog.Any("any", at), slog.Group("group", "time", at))
	return n, slog.Default().With("with", at).Handler().Handle(ctx, record)
})

func TestLogTimes(t *testing.T) {
	all := recordsOf(t, &recorder{}, func(p *Pool) {
		if _, err := logTimes.Map(t.Context(), p, numbers(len(farTimes))); err != nil {
			t.Error(err)
		}
	})
	if len(all) != len(farTimes) {
		t.Fatalf("%d records", len(all))
	}
	for i, want := range farTimes {
		check := func(what string, got time.Time) {
			if !got.Equal(want) || got.IsZero() != want.IsZero() || got.Format(time.RFC3339Nano) != want.Format(time.RFC3339Nano) {
				t.Errorf("%s %v, want %v", what, got, want)
			}
		}
		check("record", all[i].Time)
		attrs := attrsOf(all[i])
		for _, key := range []string{"time", "any", "group.time", "with"} {
			if attrs[key].Kind() != slog.KindTime {
				t.Fatalf("%s is %v", key, attrs[key].Kind())
			}
			check(key, attrs[key].Time())
		}
	}
}

var logHere = Func(func(int) int {
	_, _, line, _ := runtime.Caller(0)
	slog.Info("here") // the line behind that
	log.Print("there")
	return line
})

func TestLogSource(t *testing.T) {
	var line int
	all := recordsOf(t, &recorder{}, func(p *Pool) {
		var err error
		if line, err = logHere.Apply(t.Context(), p, 0); err != nil {
			t.Error(err)
		}
	})
	if len(all) != 2 {
		t.Fatalf("%d records", len(all))
	}
	source := all[0].Source()
	if source == nil || source.Line != line+1 || !strings.HasSuffix(source.File, "log_arrives_test.go") || !strings.Contains(source.Function, "mapreduce.") {
		t.Errorf("%+v, want line %d", source, line+1)
	}
	if len(attrsOf(all[0])) != 2 {
		t.Errorf("%v", attrsOf(all[0]))
	}
	if all[1].PC != 0 { // package log gives no source unless it is asked to
		t.Errorf("%+v", all[1].Source())
	}
}

// The source of a record that another program has made is an attribute.
func TestLogSourceOfAnotherProgram(t *testing.T) {
	for _, distance := range []uint64{0, 1 << 40} {
		want := slog.Source{Function: "main.f", File: "/elsewhere/main.go", Line: 7}
		out := transport.NewEncoder(nil)
		out.Uint(distance)
		out.String(want.Function)
		out.String(want.File)
		out.Uint(uint64(want.Line))
		var r slog.Record
		if err := decodeSource(transport.NewDecoder(out.Bytes()), &r); err != nil {
			t.Fatal(err)
		}
		got, ok := attrsOf(r)[slog.SourceKey].Any().(*slog.Source)
		if !ok || *got != want || r.PC != 0 {
			t.Errorf("%v, PC %#x", attrsOf(r), r.PC)
		}
	}
}
