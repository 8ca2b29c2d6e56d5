package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The documents name only files that exist, and the map of mapreduce names all of its files.
func TestMapOfFiles(t *testing.T) {
	root := filepath.Join("..", "..")
	goFile := regexp.MustCompile("`([a-z/]*[a-z_]+\\.go)`")
	var contributing []string
	for _, document := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(filepath.Join(root, document))
		if err != nil {
			t.Fatal(err)
		}
		found := goFile.FindAllStringSubmatch(string(text), -1)
		if len(found) < 20 {
			t.Errorf("%s names %d files", document, len(found))
		}
		for _, match := range found {
			name := match[1]
			exists := func(folder string) bool {
				_, err := os.Stat(filepath.Join(root, folder, name))
				return err == nil
			}
			if !slices.ContainsFunc([]string{"", "mapreduce", "mapreduce/manager", "internal/shm", "transport"}, exists) {
				t.Errorf("%s names %s, which is nowhere", document, name)
			}
			if document == "CONTRIBUTING.md" {
				contributing = append(contributing, name)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "mapreduce", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		name := filepath.Base(path)
		if !strings.HasSuffix(name, "_test.go") && name != "doc.go" && !slices.Contains(contributing, name) {
			t.Errorf("CONTRIBUTING.md does not say what %s holds", name)
		}
	}
}
