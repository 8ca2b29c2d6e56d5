package proc

import (
	"os"
	"path/filepath"
	"testing"
)

// Each rise of the count accounts for one death.
func TestOOMKills(t *testing.T) {
	file := filepath.Join(t.TempDir(), "memory.events")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("low 0\noom 7\noom_kill 5\n")
	k := OOMKills{File: file}
	k.begin()
	if k.claim() {
		t.Error("a death before the first worker counts")
	}
	write("low 0\noom 9\noom_kill 7\n")
	for death, want := range []bool{true, true, false} {
		if got := k.claim(); got != want {
			t.Errorf("two kills: death %d counts: %v", death, got)
		}
	}
	none := OOMKills{File: file + ".none"}
	none.begin()
	if none.claim() {
		t.Error("a system without the count has one")
	}
	if file := oomFile(); file != "" {
		if _, err := os.Stat(file); err != nil {
			t.Logf("no count of the kernel here: %v", err)
		}
	}
}
