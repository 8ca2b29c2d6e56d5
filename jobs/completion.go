package jobs

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// completeWord is the first word when a shell asks how a command line may go on: the other words are
// those that were typed, the last one as far as it was.
const completeWord = "__complete"

// A Completion is a word that may stand in place of the one that is being typed, and what it means.
// The one whose Word is [FileNames] stands for the names of files.
type Completion struct{ Word, Meaning string }

// FileNames as the Word of a [Completion] stands for the names of files.
const FileNames = ":files"

// complete returns how words, of which the last is not complete, may go on.
func (a *app) complete(words []string) []Completion {
	words, bash := joinEquals(words)
	if len(words) == 0 {
		return nil
	}
	if a.only != nil {
		return cutPrefix(bash, completeFlags(words, append(a.only.sections(), onlyFlags()), a.only.Args))
	}
	first := words[0]
	if len(words) == 1 {
		return a.completeFirst(first)
	}
	if tool := a.tool(first); tool.Complete != nil {
		return cutPrefix(bash, tool.Complete(words[1:]))
	}
	if c, err := Lookup(first); err == nil {
		return cutPrefix(bash, completeFlags(words[1:], c.sections(), c.Args))
	}
	return cutPrefix(bash, completeByPlugin(first, words[1:]))
}

func (a *app) completeFirst(word string) (all []Completion) {
	add := func(name, meaning string) {
		if strings.HasPrefix(name, word) {
			all = append(all, Completion{name, meaning})
		}
	}
	for _, name := range names() {
		c, _ := Lookup(name)
		add(name, c.Summary)
	}
	for _, tool := range a.tools {
		add(tool.Name, tool.Summary)
	}
	for _, p := range runnable(a.plugins()) {
		add(p.Name, p.Path)
	}
	if strings.HasPrefix(word, "-") {
		add("--help", "list all jobs and commands")
		add("--version", "print the version")
	}
	return all
}

// Complete returns how the last of words, which follow the name of the job, may go on. common binds
// the flags that do not belong to the job, as in [NewLine].
func (c Command) Complete(words []string, common func(*Flags)) []Completion {
	own, more := newFlagSet(c.Name), newFlagSet("common")
	c.New(&Flags{own})
	common(&Flags{more})
	return completeFlags(words, []flagSection{{flags: visible(own, nil)}, {flags: visible(more, own)}}, c.Args)
}

// CompleteNames returns those of names that may stand in place of word.
func CompleteNames(word string, names ...string) []Completion {
	return completeNames([]string{word}, names)
}

// Names returns the names of all jobs, sorted.
func Names() []string { return names() }

// pluginTime is how long a plugin may take to complete a word.
const pluginTime = time.Second

// completeByPlugin asks a plugin that was built with mrrun; others would not know what is asked.
func completeByPlugin(name string, words []string) (all []Completion) {
	p := plugin{Path: findPlugin(name)}
	if p.Path == "" {
		return nil
	}
	if p.describe(); p.Mrrun == "-" {
		return []Completion{{Word: FileNames}}
	}
	ctx, cancel := context.WithTimeout(context.Background(), pluginTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, p.Path, append([]string{completeWord}, words...)...).Output()
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(out)) {
		word, meaning, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		all = append(all, Completion{word, meaning})
	}
	return all
}

// onlyFlags are those of a program that is one job.
func onlyFlags() flagSection {
	set := newFlagSet("")
	for _, f := range []struct{ name, usage string }{
		{"version", "print the version"}, {"man", "print the manual page"}, {"completion", "print what makes a shell complete command lines"},
	} {
		set.Bool(f.name, false, f.usage)
	}
	return flagSection{flags: visible(set, nil)}
}

// completeFlags completes the last of the words after the name of a job.
func completeFlags(words []string, sections []flagSection, args string) (all []Completion) {
	set := newFlagSet("")
	for _, s := range sections {
		for _, f := range s.flags {
			if set.Lookup(f.Name) == nil {
				set.AddFlag(f)
			}
		}
	}
	last := words[len(words)-1]
	before := words[:len(words)-1]
	if len(before) > 0 {
		word := normalizeWord(before[len(before)-1], set)
		if takesNext(word, set) && !slices.Contains(before, "--") {
			return completeValue(flagOf(word, set), "", last)
		}
	}
	if name, value, ok := strings.Cut(last, "="); ok && strings.HasPrefix(last, "-") {
		if f := flagOf(normalizeWord(name, set), set); f != nil {
			return completeValue(f, name+"=", value)
		}
		return nil
	}
	if strings.HasPrefix(last, "-") || args == "" && last == "" {
		dashes := "--"
		if len(last) > 1 && last[1] != '-' {
			dashes = "-" // which this package's flags may have
		}
		set.VisitAll(func(f *pflag.Flag) {
			if strings.HasPrefix(dashes+f.Name, last) {
				meaning, _, _ := strings.Cut(f.Usage, "; ")
				all = append(all, Completion{dashes + f.Name, meaning})
			}
		})
		return append(all, completeNames([]string{last}, []string{dashes + "help"})...)
	}
	if args == "" {
		return nil
	}
	return []Completion{{Word: FileNames}}
}

// flagOf returns the flag that word names, or nil.
func flagOf(word string, set *pflag.FlagSet) *pflag.Flag {
	if name, ok := strings.CutPrefix(word, "--"); ok {
		return set.Lookup(name)
	}
	return shortFlag(word[len(word)-1:], set)
}

// completeValue completes the value of a flag, which follows prefix.
func completeValue(f *pflag.Flag, prefix, value string) (all []Completion) {
	switch v := f.Value.(type) {
	case choiceValue:
		for _, choice := range v.choices {
			if strings.HasPrefix(choice, value) {
				all = append(all, Completion{prefix + choice, ""})
			}
		}
	case textValue, *listValue:
		if kind := v.Type(); strings.HasPrefix(kind, "FILE") || strings.HasPrefix(kind, "DIR") {
			all = append(all, Completion{Word: FileNames})
		}
	}
	return all
}

func completeNames(words, known []string) (all []Completion) {
	for _, name := range known {
		if len(words) == 1 && strings.HasPrefix(name, words[0]) {
			all = append(all, Completion{name, ""})
		}
	}
	return all
}

// joinEquals puts together what bash has cut at "=", and reports whether it has cut the last word.
func joinEquals(words []string) (joined []string, cut bool) {
	for i, word := range words {
		n := len(joined) - 1
		switch {
		case word == "=" && n >= 0:
			joined[n] += "="
			cut = i >= len(words)-2
		case i > 0 && words[i-1] == "=" && n >= 0:
			joined[n] += word
		default:
			joined = append(joined, word)
			cut = false
		}
	}
	return joined, cut
}

// cutPrefix leaves out what is before "=" of all, if bash has cut there.
func cutPrefix(cut bool, all []Completion) []Completion {
	for i := range all {
		if _, value, ok := strings.Cut(all[i].Word, "="); ok && cut {
			all[i].Word = value
		}
	}
	return all
}

func writeCompletions(out io.Writer, all []Completion) error {
	for _, c := range all {
		if _, err := fmt.Fprintf(out, "%s\t%s\n", c.Word, c.Meaning); err != nil {
			return err
		}
	}
	return nil
}
