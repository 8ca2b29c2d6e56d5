package text_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"mrrun/jobs/text"
)

// How long are the words? This is the Map of a job; Files and Parts are for the driver.
func ExampleWords_Each() {
	path := filepath.Join(os.TempDir(), "example.txt")
	if err := os.WriteFile(path, []byte("The quick, quick fox."), 0o600); err != nil {
		panic(err)
	}
	defer os.Remove(path)

	ctx := context.Background()
	files, err := text.Open(ctx, []string{path}, false)
	if err != nil {
		panic(err)
	}
	defer files.Close()
	parts, err := files.Parts(0)
	if err != nil {
		panic(err)
	}
	for _, part := range parts {
		err := text.Words{Letters: true, MinLength: 4}.Each(ctx, part, func(word []byte) {
			fmt.Println(string(word), len(word))
		})
		if err != nil {
			panic(err)
		}
	}
	// Output:
	// quick 5
	// quick 5
}
