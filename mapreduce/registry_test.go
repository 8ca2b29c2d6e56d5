package mapreduce

import "testing"

var ran, neverRan *Task[int, []bool]

func init() {
	ran, neverRan = Func(codecsMade), Func(codecsMade)
}

// codecsMade reports of both tasks whether this process has made their codecs.
func codecsMade(int) []bool { return []bool{ran.arg != nil, neverRan.arg != nil} }

// A driver checks the types of all tasks when they are registered. A worker need not, and starts
// sooner: it makes the codecs of the tasks that it runs.
func TestWorkerPreparesWhatItRuns(t *testing.T) {
	if made := codecsMade(0); !made[0] || !made[1] {
		t.Errorf("codecs in the driver: %v", made)
	}
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if made, err := ran.Apply(t.Context(), p, 0); err != nil || !made[0] || made[1] {
		t.Errorf("codecs in the worker: %v, %v", made, err)
	}
}
