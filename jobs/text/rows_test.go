package text

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// readRows reads CSV data in parts and blocks of these sizes, all columns of it.
func readRows(t testing.TB, data string, size int64, block int) (records [][]string, err error) {
	t.Helper()
	s := source{name: "data.csv", size: int64(len(data))}
	r := strings.NewReader(data)
	parts, err := cutRows(t.Context(), r, s, 0, size)
	if err != nil {
		t.Fatal(err)
	}
	next := int64(0)
	for _, p := range parts {
		if p.Offset != next || p.Length <= 0 {
			t.Fatalf("part %+v does not follow on offset %d", p, next)
		}
		next += p.Length
		c := parser{fields: -1, use: func(fields [][]byte) error {
			var record []string
			for _, f := range fields {
				record = append(record, string(f))
			}
			records = append(records, record)
			return nil
		}}
		if err := p.read(t.Context(), r, block, c.parse); err != nil {
			return nil, err
		}
	}
	if next != s.size {
		t.Fatalf("the parts end at %d of %d bytes", next, s.size)
	}
	return records, nil
}

// oracle reads them by the standard library.
func oracle(data string) (records [][]string, err error) {
	r := csv.NewReader(strings.NewReader(data))
	r.FieldsPerRecord = -1
	return r.ReadAll()
}

func checkRows(t *testing.T, data string, size int64, block int) {
	t.Helper()
	got, err := readRows(t, data, size, block)
	want, wantErr := oracle(data)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("data %q, size %d, block %d: got error %v, want %v", data, size, block, err, wantErr)
	}
	if err == nil && !(len(got) == 0 && len(want) == 0) && !reflect.DeepEqual(got, want) {
		t.Errorf("data %q, size %d, block %d:\n got %q\nwant %q", data, size, block, got, want)
	}
}

var sampleRows = []string{
	"", "\n", "\r\n", "\r", "a", "a,b\nc,d\n", "a,b\r\nc,d\r\n\r\n\r\n", "a\n\n\nb", ",\n,,\n", `"a"`, `""`, `"",""`,
	"k,v\n\"x, y\",1\n\"two\nlines\n\",2\n\"a \"\"quote\"\"\",3\n", "\"a\r\nb\",c\r\n\"\"\"\"\n", "a,\"b\nc\"\nd,\"e\n",
	"a\"b,c\n", "\"a\"b,c\n", "\"a\"\rb\n", "a\rb,c\r\r\n", "\"a\r\r\nb\"\n", "\"\"\"\n\"\"\n\"\"\"\n", "é,\xff\n\"\xff\"\n", "\"a\"\r", "x,\"\n",
}

func TestRowsSamples(t *testing.T) {
	for _, data := range sampleRows {
		for size := int64(1); size < 12; size++ {
			for block := 1; block < 9; block++ {
				checkRows(t, data, size, block)
			}
		}
	}
}

func FuzzRows(f *testing.F) {
	for i, data := range sampleRows {
		f.Add(data, uint8(i), uint8(3*i))
	}
	f.Fuzz(func(t *testing.T, data string, size, block uint8) {
		checkRows(t, data, 1+int64(size), 1+int(block))
	})
}

// eachRow reads the columns of the file path, and writes each record with what separates its
// fields.
func eachRow(t *testing.T, path string, size int64, columns ...string) (lines []string, err error) {
	t.Helper()
	files, err := Open(t.Context(), []string{path}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	rows, err := files.Rows(t.Context(), size, columns...)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		err := r.each(t.Context(), 7, func(fields [][]byte) error {
			line := fmt.Sprintf("%s", fields)
			if strings.Contains(line, "bad") {
				return errors.New("bad value")
			}
			lines = append(lines, line)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// Columns are found by name, or by number if none has it as its name.
func TestColumns(t *testing.T) {
	const text = "\ufeff\"name\",\"the value\",2\r\nx,1,p\n\"y\n\",2,q\n"
	for _, data := range []string{text, string(zipped(t, text))} {
		path := writeFile(t, data)
		for size := int64(0); size < 20; size++ {
			for columns, want := range map[[2]string][]string{
				{"the value", "name"}: {"[1 x]", "[2 y\n]"},
				{"2", "1"}:            {"[p x]", "[q y\n]"},
				{"3", "3"}:            {"[p p]", "[q q]"},
			} {
				if got, err := eachRow(t, path, size, columns[:]...); !slices.Equal(got, want) || err != nil {
					t.Errorf("columns %q, size %d: got %q, %v, want %q", columns, size, got, err, want)
				}
			}
		}
	}
}

func TestRowsErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	for data, want := range map[string]string{
		"":                              "x.csv: is empty: its first line must name the columns",
		"a,b\n":                         "",
		"a,c\n1,2\n":                    "x.csv: line 1: there is no column \"b\"; there are [\"a\" \"c\"]",
		"a,b\n1,2\n3\n5,6\n":            "x.csv: line 3: the record has 1 fields, the header 2",
		"a,b\n1,2\n\n\"x\ny\",2,3\n":    "x.csv: line 4: the record has 3 fields, the header 2",
		"a,b\n\"x\n\ny\",2\nbad,1\n1,2": "x.csv: line 5: bad value",
		"a,b\n1,2\n3,\"4\n5,6\n":        "x.csv: line 3: a quote is opened and never closed",
		"a,\"b\n1,2\n":                  "x.csv: line 1: a quote is opened and never closed",
		"a,b\n1,2\n3,4\"\n":             `x.csv: line 3: a quote in a field that does not begin with one: put the whole field in quotes, and write "" for a quote`,
		"a,b\n1,2\n3,\"4\" 5\n":         `x.csv: line 3: text follows a closing quote: write "" for a quote within a field`,
	} {
		for _, form := range []string{data, string(zipped(t, data))} {
			if data == "" && form == "" {
				form = "\n"
			}
			if err := os.WriteFile("x.csv", []byte(form), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, size := range []int64{0, 1, 4, 9} {
				_, err := eachRow(t, "x.csv", size, "a", "b")
				if want == "" && err != nil {
					t.Errorf("%q: got %v", data, err)
				} else if want != "" {
					wantError(t, err, want)
				}
			}
		}
	}
}

// Parts are about equal, even where newlines are within quotes.
func TestRowsCut(t *testing.T) {
	data := strings.Repeat("a,\"b\n\"\"c\n\",d\n", 10_000)
	parts, err := cutRows(t.Context(), strings.NewReader(data), source{name: "x", size: int64(len(data))}, 0, 10_000)
	if err != nil || len(parts) != 13 {
		t.Errorf("got %d parts, %v, want 13", len(parts), err)
	}
	for _, p := range parts {
		if p.Length < 9_000 || p.Length > 11_000 {
			t.Errorf("got a part of %d bytes, want about 10,000", p.Length)
		}
	}
}

func BenchmarkRows(b *testing.B) {
	var data strings.Builder
	data.WriteString("k,v\n")
	for i := range 1 << 20 {
		fmt.Fprintf(&data, "g%d,%d\n", i*7919%100_000, i%1000)
	}
	in := strings.NewReader(data.String())
	p := Part{Length: in.Size()}
	b.SetBytes(in.Size())
	for b.Loop() {
		c := parser{columns: []int{0, 1}, fields: 2, use: func([][]byte) error { return nil }}
		if err := p.read(b.Context(), in, blockSize, c.parse); err != nil {
			b.Fatal(err)
		}
	}
}
