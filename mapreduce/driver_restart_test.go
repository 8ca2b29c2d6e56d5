//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

// mortalTask kills its worker as soon as its answer is sent.
var mortalTask = FuncContext(func(ctx context.Context, n int) (int, error) {
	note := currentItem(ctx).chunk.process.Note
	go func() {
		for {
			if _, _, busy := note.Running(); !busy {
				os.Exit(9)
			}
			time.Sleep(100 * time.Microsecond)
		}
	}()
	return n, nil
})

// Workers that answer and die, again and again, are not started for ever.
func TestRestartIntensity(t *testing.T) {
	checkLeaks(t)
	p, err := NewPool(t.Context(), Procs(1), RestartIntensity(5, time.Hour), Retries(100), silent())
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = mortalTask.Apply(t.Context(), p, 1)
	}
	lost, ok := errors.AsType[*WorkerLostError](err)
	if !ok || lost.ExitCode != 9 || lost.Index != -1 || p.Stats().Lost < 6 {
		t.Errorf("%+v, after %d deaths", err, p.Stats().Lost)
	}
	if cerr := p.Close(); !errors.Is(cerr, lost) {
		t.Errorf("Close: %v", cerr)
	}
}

// Deaths that are far apart are no reason to give up, and by default neither are a few at once.
func TestRestartGoesOn(t *testing.T) {
	checkLeaks(t)
	for name, options := range map[string][]PoolOption{"rare": {RestartIntensity(1, time.Nanosecond)}, "few": nil} {
		p := newPool(t, append(options, Procs(1), Retries(100), silent())...)
		for p.Stats().Lost < 10 {
			if _, err := mortalTask.Apply(t.Context(), p, 1); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

func TestRestartIntensityCounts(t *testing.T) {
	start := time.Unix(0, 0)
	for _, test := range []struct {
		name    string
		options poolOptions
		wanted  int
		every   time.Duration
		dies    int // number of the death at which the pool gives up; 0: none of a thousand
	}{
		{"none is allowed", poolOptions{restarts: 0, restartPeriod: time.Second}, 4, time.Hour, 1},
		{"three", poolOptions{restarts: 3, restartPeriod: time.Second}, 4, 300 * time.Millisecond, 4},
		{"three, slowly", poolOptions{restarts: 3, restartPeriod: time.Second}, 4, 334 * time.Millisecond, 0},
		{"default", poolOptions{}, 4, 20 * time.Millisecond, 201},
		{"default, slowly", poolOptions{}, 4, 51 * time.Millisecond, 0},
		{"default, large pool", poolOptions{}, 300, time.Millisecond, 601},
	} {
		s := &supervisor{host: host{options: test.options}}
		s.wanted.Store(int64(test.wanted))
		gaveUp := 0
		for n := 1; n <= 1000 && gaveUp == 0; n++ {
			if s.diedOf(&WorkerLostError{}, start.Add(time.Duration(n)*test.every)) != nil {
				gaveUp = n
			}
		}
		if gaveUp != test.dies {
			t.Errorf("%s: gives up at death %d, want %d", test.name, gaveUp, test.dies)
		}
	}
}
