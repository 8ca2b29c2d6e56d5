package jobs

import (
	"slices"
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	closed := 0
	c := doubleCommand(&closed, nil)
	c.New = func(f *Flags) Work {
		text, way := "", "a"
		f.Choice(&way, "way", "WAY", []string{"a", "ab", "c"}, "a way")
		f.String(&text, "out", "FILE", "a file; or none")
		f.String(&text, "text", "TEXT", "a text")
		return Fold(double, &doubler{closed: &closed})
	}
	none := c
	none.Name, none.Args = "none", ""
	tool := Tool{Name: "echo", Complete: func(words []string) []Completion { return []Completion{{Word: strings.Join(words, "|")}} }}
	withPath(t, nil)
	withCommands(t, c, none)
	for line, want := range map[string]string{
		"":                       "double none completion help man plugins version echo",
		"d":                      "double",
		"--v":                    "--version",
		"double ":                ":files",
		"double --wa":            "--way",
		"double -wa":             "-way",
		"double x --way ":        "a ab c",
		"double --way a":         "a ab",
		"double -way a":          "a ab",
		"double --way=c":         "--way=c",
		"double --way =":         "a ab c", // as bash cuts words
		"double --way = c":       "c",
		"double --way = c --out": "--out",
		"double --out ":          ":files",
		"double --text ":         "",
		"double --start i":       "inprocess",
		"double --hel":           "--help",
		"double -- --st":         "--start",
		"double --nothing=":      "",
		"none --quiet --keep":    "--keep-going",
		"none x":                 "",
		"help ":                  "double none",
		"completion z":           "zsh",
		"echo a b":               "a|b",
		"nothing ":               "",
	} {
		words := append([]string{completeWord}, strings.Split(line, " ")...)
		var out strings.Builder
		if err := dispatch(t.Context(), words, &out, []Tool{tool}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for l := range strings.Lines(out.String()) {
			word, _, _ := strings.Cut(l, "\t")
			got = append(got, word)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
	var a app
	a.only = &c
	got := a.complete([]string{"--ver"})
	if !slices.Contains(got, Completion{"--version", "print the version"}) {
		t.Errorf("a program that is one job: %q", got)
	}
	if got := a.complete([]string{"--start", "sp"}); !slices.Contains(got, Completion{"spare", ""}) {
		t.Errorf("a program that is one job: %q", got)
	}
}
