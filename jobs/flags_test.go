package jobs

import (
	"strings"
	"testing"
	"time"
)

func TestFlagValues(t *testing.T) {
	type values struct {
		size   int64
		rate   float64
		wait   time.Duration
		order  string
		pieces string
	}
	parse := func(line string) (v values, err error) {
		v.order, v.size = "count", 0
		var only pieceNumbers
		_, err = ParseFlags("mrrun test", strings.Fields(line), func(f *Flags) {
			f.Bytes(&v.size, "size", 1024, 1<<40, "bytes")
			f.Float(&v.rate, "rate", 0, 1, "a rate")
			f.Duration(&v.wait, "wait", "a time")
			f.Choice(&v.order, "order", "ORDER", []string{"count", "word", "none"}, "an order")
			f.set.Var(&only, "only", "pieces")
		})
		v.pieces = only.String()
		return v, err
	}
	good := map[string]values{
		"":                              {order: "count"},
		"--size 64M --rate .5":          {size: 64e6, rate: .5, order: "count"},
		"--size 64MiB -wait 1m30s":      {size: 64 << 20, wait: 90 * time.Second, order: "count"},
		"--size 2KB --order=none":       {size: 2000, order: "none"},
		"--size 0 --wait 0 -rate 1":     {rate: 1, order: "count"},
		"--only 5,1-3,4,9-10,10":        {order: "count", pieces: "1-5,9,10"},
		"--only 7 --only 2,3 -wait 1ns": {order: "count", pieces: "2,3", wait: 1},
	}
	for line, want := range good {
		if got, err := parse(line); got != want || err != nil {
			t.Errorf("%s: got %+v, %v, want %+v", line, got, err, want)
		}
	}
	const see = " (see mrrun test --help)"
	const bytes, rate = "; it takes a number of bytes such as 64M, 64Mi or 1GiB, 1Ki at least" + see, "; it takes a number from 0 to 1" + see
	const wait = "; it takes a time such as 500ms, 30s, 5m or 1h30m" + see
	const pieces = ": not a list of pieces; it takes numbers from 1 and ranges, such as 3,17-20" + see
	for line, want := range map[string]string{
		"--size 1":      "--size 1: too small" + bytes,
		"--size B":      "--size B: not a number" + bytes,
		"--size 64QB":   "--size 64QB: not a number" + bytes,
		"--size 2T":     "--size 2T: too large" + bytes,
		"--size=":       `--size "": empty` + bytes,
		"--size":        "--size needs a value: a number of bytes such as 64M, 64Mi or 1GiB, 1Ki at least" + see,
		"--rate 1.5":    "--rate 1.5: too large" + rate,
		"--rate -1":     "--rate -1: too small" + rate,
		"--rate 1e999":  "--rate 1e999: too large" + rate,
		"--rate NaN":    "--rate NaN: not a number" + rate,
		"--rate=":       `--rate "": empty` + rate,
		"--wait 30":     "--wait 30: not a time" + wait,
		"--wait -1s":    "--wait -1s: negative" + wait,
		"--wait":        "--wait needs a value: a time such as 500ms, 30s, 5m or 1h30m" + see,
		"--order words": "--order words: did you mean word? It takes count, word or none" + see,
		"--order x":     "--order x: it takes count, word or none" + see,
		"--order":       "--order needs a value: count, word or none" + see,
		"--only 0":      "--only 0" + pieces,
		"--only 5-3":    "--only 5-3" + pieces,
		"--only 1,,2":   "--only 1,,2" + pieces,
		"--only a-b":    "--only a-b" + pieces,
	} {
		if _, err := parse(line); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
	}
}

// A flag that may be repeated has what one command line says, however often that is parsed.
func TestListFlag(t *testing.T) {
	all := []string{"default"}
	bind := func(f *Flags) { f.List(&all, "file", "FILE", "files") }
	for range 2 {
		if _, err := ParseFlags("mrrun test", []string{"--file", "a", "-file=b"}, bind); err != nil || strings.Join(all, " ") != "a b" {
			t.Errorf("got %q, %v", all, err)
		}
	}
	if _, err := ParseFlags("mrrun test", []string{"--file="}, bind); err == nil || err.Error() != `--file "": empty; it takes FILE (see mrrun test --help)` {
		t.Errorf("got %v", err)
	}
}

func TestPieceNumbers(t *testing.T) {
	var n pieceNumbers
	if n.last() != 0 || n.size() != 0 || n.has(1) || n.String() != "" {
		t.Errorf("no numbers: %v", n)
	}
	n = numbersOf([]int{20, 3, 18, 17, 19})
	if n.String() != "3,17-20" || n.last() != 20 || n.size() != 5 {
		t.Errorf("got %v, last %d of %d", n, n.last(), n.size())
	}
	for i, want := range []int{3, 17, 18, 19, 20} {
		if got := n.at(i); got != want || !n.has(want) {
			t.Errorf("number %d is %d, want %d", i, got, want)
		}
	}
	if n.has(4) || n.has(16) || n.has(21) {
		t.Error("has numbers that nobody gave it")
	}
}

func TestShortBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1: "1", 1000: "1000", 1024: "1Ki", 64 << 20: "64Mi", 3 << 30: "3Gi", 5<<40 + 1024: "5368709121Ki"} {
		if got := shortBytes(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}
