package mapreduce

import (
	"context"
	"io"
	"log/slog"
	"testing"
)

var levelTask = FuncContext(logAtLevels)

// logAtLevels logs at all levels, and returns which ones are enabled.
func logAtLevels(ctx context.Context, levels []slog.Level) ([]bool, error) {
	enabled := make([]bool, len(levels))
	for i, level := range levels {
		enabled[i] = slog.Default().Enabled(ctx, level)
		slog.Log(ctx, level, "here")
	}
	return enabled, nil
}

// A worker neither formats nor sends a record that the driver's handler would not take.
func TestLogLevelFollowsDriver(t *testing.T) {
	levels := []slog.Level{slog.LevelDebug - 20, slog.LevelDebug, slog.LevelInfo, slog.LevelInfo + 1, slog.LevelError, slog.LevelError + 20}
	for _, least := range []slog.Level{slog.LevelDebug - 100, slog.LevelDebug, slog.LevelInfo, slog.LevelInfo + 1, slog.LevelError, slog.LevelError + 20} {
		r := &recorder{least: least}
		run := map[string]func() ([]bool, error){
			"pool": func() (got []bool, err error) {
				recordsOf(t, r, func(p *Pool) { got, err = levelTask.Apply(t.Context(), p, levels) })
				return got, err
			},
			"process": func() ([]bool, error) {
				p, err := levelTask.Start(t.Context(), levels, Logger(r))
				if err != nil {
					return nil, err
				}
				return p.Wait()
			},
		}
		for where, run := range run {
			r.all = nil
			got, err := run()
			if err != nil {
				t.Fatal(err)
			}
			wanted := 0
			for i, level := range levels {
				want := level >= least
				if want {
					wanted++
				}
				// Above all usual levels a worker does not know what the handler takes.
				if got[i] != want && level <= slog.LevelError {
					t.Errorf("%s at least %v: %v is enabled: %v", where, least, level, got[i])
				}
			}
			if len(r.all) != wanted {
				t.Errorf("%s at least %v: %d records, want %d", where, least, len(r.all), wanted)
			}
		}
	}
}

// The level may change from call to call.
func TestLogLevelChanges(t *testing.T) {
	var level slog.LevelVar
	p := newPool(t, Procs(1), Logger(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: &level})))
	for _, at := range []slog.Level{slog.LevelInfo, slog.LevelDebug, slog.LevelError, slog.LevelInfo} {
		level.Set(at)
		got, err := levelTask.Apply(t.Context(), p, []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelError})
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelError} {
			if got[i] != (l >= at) {
				t.Errorf("at %v: %v is enabled: %v", at, l, got[i])
			}
		}
	}
}
