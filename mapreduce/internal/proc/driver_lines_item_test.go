//go:build linux

package proc

import "testing"

// What an item printed after the driver found the stream empty, and before the next item began, is
// not taken for output of the next.
func TestPrinterBetweenItems(t *testing.T) {
	note := testNote(t)
	p := origin{note: note, item: func(_ uint32, offset int) int { return offset }}
	note.Set(1, 3)
	p.looking()
	p.read(func() int { return 0 })
	p.looking()
	if got := p.read(func() int { note.Set(1, 4); return 0 }); got != 3 {
		t.Errorf("while item 3 runs: item %d", got)
	}
	p.looking()
	if got := p.read(func() int { return 1 }); got != -1 {
		t.Errorf("written by item 3 or 4: item %d", got)
	}
}
