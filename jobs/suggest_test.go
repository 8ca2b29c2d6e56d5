package jobs

import "testing"

func TestNearest(t *testing.T) {
	flags := []string{"dir", "out", "procs", "progress", "terms", "verbose"}
	tests := []struct {
		word  string
		known []string
		want  string
	}{
		{"proc", flags, "procs"},
		{"pr", flags, ""}, // procs or progress
		{"prog", flags, "progress"},
		{"te", flags, "terms"},
		{"t", flags, ""}, // too short to say
		{"procs", flags, "procs"},
		{"prosc", flags, "procs"},
		{"procs4", flags, "procs"},
		{"term", flags, "terms"},
		{"trems", flags, "terms"},
		{"tersm", flags, "terms"},
		{"ou", flags, "out"},
		{"outt", flags, "out"},
		{"vrebsoe", flags, "verbose"}, // two swaps in seven letters
		{"vrebso", flags, ""},         // three errors in six letters
		{"nothing", flags, ""},
		{"", flags, ""},
		{"word", nil, ""},
		{"cat", []string{"bat", "rat"}, "bat"},
		{"cat", []string{"rat", "bat"}, "rat"},
		{"proc", []string{"procs", "proc"}, "proc"},
		{"wördcuont", []string{"pi", "wördcount"}, "wördcount"},
	}
	for _, tt := range tests {
		if got := nearest(tt.word, tt.known); got != tt.want {
			t.Errorf("nearest(%q, %q) = %q, want %q", tt.word, tt.known, got, tt.want)
		}
	}
}

func TestTypos(t *testing.T) {
	tests := []struct {
		from, to string
		want     int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"abc", "abc", 0},
		{"abc", "acb", 1},
		{"abcd", "badc", 2},
		{"ca", "abc", 3}, // 2 without the alignment
		{"kitten", "sitting", 3},
	}
	for _, tt := range tests {
		if got := typos(tt.from, tt.to); got != tt.want {
			t.Errorf("typos(%q, %q) = %d, want %d", tt.from, tt.to, got, tt.want)
		}
	}
}
