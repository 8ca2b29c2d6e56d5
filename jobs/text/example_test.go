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

// The rows of a table, cut into parts for tasks. Rows and Part may be sent to them.
func ExampleRows() {
	path := filepath.Join(os.TempDir(), "example.csv")
	if err := os.WriteFile(path, []byte("name,age,town\nada,36,\"London, UK\"\nbob,41,Rome\n"), 0o600); err != nil {
		panic(err)
	}
	defer os.Remove(path)

	ctx := context.Background()
	files, err := text.Open(ctx, []string{path}, false)
	if err != nil {
		panic(err)
	}
	defer files.Close()
	parts, err := files.Rows(ctx, 0, "town", "name")
	if err != nil {
		panic(err)
	}
	for _, part := range parts {
		err := part.Each(ctx, func(fields [][]byte) error {
			fmt.Printf("%s: %s\n", fields[0], fields[1])
			return nil
		})
		if err != nil {
			panic(err)
		}
	}
	// Output:
	// London, UK: ada
	// Rome: bob
}

func ExampleDecimal() {
	sum := text.Decimal{}
	for range 10 {
		tenth, err := text.ParseDecimal([]byte("0.1"))
		if err != nil {
			panic(err)
		}
		sum = sum.Add(tenth)
	}
	fmt.Println(sum)
	// Output: 1
}

func ExampleStats() {
	var all text.Stats
	for i, number := range []string{"3", "0.5", "1e1"} {
		d, err := text.ParseDecimal([]byte(number))
		if err != nil {
			panic(err)
		}
		if one := text.StatsOf(d); i == 0 {
			all = one
		} else {
			all = all.Merge(one)
		}
	}
	fmt.Println(all.Count, all.Sum, all.Min, all.Max, all.Mean())
	// Output: 3 13.5 0.5 10 4.5
}
