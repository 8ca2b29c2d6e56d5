//go:build linux

package mapreduce

import (
	"log/slog"
	"testing"
	"time"
)

const lostMessage = "mapreduce: a worker was lost"

// Each lost worker is logged, with what it was and what it ran.
func TestLossIsLogged(t *testing.T) {
	checkLeaks(t)
	for _, test := range exits {
		t.Run(test.do, func(t *testing.T) {
			r := &recorder{}
			p := newPool(t, silent(), Logger(r))
			if _, err := deedTask.Map(t.Context(), p, deeds("", 30, test.do, 1, 3, 17)); err != nil {
				t.Fatal(err)
			}
			lost := p.Stats().Lost
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			if n := r.count(lostMessage); lost != 2 || n != lost {
				t.Errorf("%d workers were lost, and %d are in the log", lost, n)
			}
			for _, record := range r.all {
				got := attrsOf(record)
				if item := got["item"].Int64(); record.Level != slog.LevelWarn || item != 3 && item != 17 || got["worker"].Int64() == 0 ||
					got["pid"].Int64() == 0 || got["end"].String() == "" || got["task"].String() == "" {
					t.Errorf("%v", got)
				}
			}
		})
	}
}

// A pool without trouble logs nothing; nor does one that killed a worker for an item's timeout,
// which the item's error reports.
func TestNoLossIsLogged(t *testing.T) {
	r := &recorder{}
	p := newPool(t, silent(), Logger(r), MaxTasksPerWorker(5))
	if _, err := deedTask.Map(t.Context(), p, deeds("", 30, "", 0)); err != nil {
		t.Error(err)
	}
	_, err := deedTask.Apply(t.Context(), p, deed{Do: "hang", Times: 1}, Timeout(50*time.Millisecond))
	checkTimeout(t, err)
	p.Terminate()
	p.Close()
	if len(r.all) > 0 {
		t.Errorf("%v", r.all)
	}
}

// If many workers are lost at once, a limited number are logged one by one, and the others as a
// count.
func TestReportsAreLimited(t *testing.T) {
	r := &recorder{}
	var to reports
	to.init(&host{options: poolOptions{logger: r, procs: 1}})
	const all = 500
	for range all {
		to.add(lostMessage)
	}
	to.end()
	omitted := int64(0)
	for _, record := range r.all {
		if n, ok := attrsOf(record)["omitted"]; ok {
			omitted += n.Int64()
		}
	}
	if n := r.count(lostMessage); n < reportBurst || n > reportBurst+reportRate || int64(n)+omitted != all {
		t.Errorf("%d are in the log, %d are omitted", n, omitted)
	}
}
