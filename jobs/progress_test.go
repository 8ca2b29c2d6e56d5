package jobs

import (
	"io"
	"os"
	"testing"
	"time"
)

func TestProgressLine(t *testing.T) {
	tests := []struct {
		total, done int
		passed      time.Duration
		want        string
	}{
		{0, 0, 600 * time.Millisecond, "pi  0 pieces  1s"},
		{0, 17, 62 * time.Second, "pi  17 pieces  1m2s"},
		{200, 0, 3 * time.Second, "pi    0 %  0 of 200 pieces  3s"},
		{200, 4, 3 * time.Second, "pi    2 %  4 of 200 pieces  3s"},          // too early to tell
		{200, 50, 900 * time.Millisecond, "pi   25 %  50 of 200 pieces  1s"}, // likewise
		{200, 50, 3 * time.Second, "pi   25 %  50 of 200 pieces  3s, about 9s left"},
		{200, 199, 1990 * time.Second, "pi   99 %  199 of 200 pieces  33m10s, about 10s left"},
		{200, 200, 5 * time.Second, "pi  100 %  200 of 200 pieces  5s, about 0s left"},
		{200, 201, 5 * time.Second, "pi  100 %  200 of 200 pieces  5s, about 0s left"}, // a piece that ran again
	}
	for _, tt := range tests {
		if got := progressLine("pi", tt.total, tt.done, tt.passed); got != tt.want {
			t.Errorf("progressLine(%d, %d, %v) = %q, want %q", tt.total, tt.done, tt.passed, got, tt.want)
		}
	}
}

// Only a terminal gets progress: a log file contains none of it.
func TestNoProgressInPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	stop := showProgress(w, "pi", 10, func() int { t.Error("asked how much is done"); return 0 })
	time.Sleep(progressDelay + 100*time.Millisecond)
	stop()
	w.Close()
	if got, err := io.ReadAll(r); len(got) > 0 || err != nil {
		t.Errorf("got %q, %v, want nothing", got, err)
	}
}
