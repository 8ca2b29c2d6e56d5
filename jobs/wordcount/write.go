package wordcount

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strconv"
	"strings"

	"mrrun/internal/outfile"
	"mrrun/jobs"
)

// An appender appends the line of c to line, without a newline.
type appender func(line []byte, c frequency) []byte

// writeFile writes the counts to the file of --out in the format that its name asks for. failed
// returns why the counts ended early.
func writeFile(file *outfile.File, name string, counts iter.Seq2[string, int64], failed func() error) error {
	appendLine := appender(appendText)
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		appendLine = appendCSV
		if err := file.WriteLine([]byte("word,count")); err != nil {
			return err
		}
	case ".jsonl", ".ndjson":
		appendLine = appendJSON
	}
	var line []byte
	for word, n := range counts {
		line = appendLine(line[:0], frequency{word, n})
		if err := file.WriteLine(line); err != nil {
			return err
		}
	}
	if err := failed(); err != nil {
		return err
	}
	return file.Commit()
}

// writeCounts writes the counts as text.
func writeCounts(w io.Writer, cs []frequency) error {
	out := bufio.NewWriter(w)
	var line []byte
	for _, c := range cs {
		line = append(appendText(line[:0], c), '\n')
		if _, err := out.Write(line); err != nil {
			return fmt.Errorf("wordcount: write the counts: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("wordcount: write the counts: %w", err)
	}
	return nil
}

func appendText(line []byte, c frequency) []byte {
	line = strconv.AppendInt(line, c.N, 10)
	line = append(line, ' ')
	return append(line, c.Word...)
}

// appendCSV quotes words as RFC 4180 does. They have no white space.
func appendCSV(line []byte, c frequency) []byte {
	if strings.ContainsAny(c.Word, `",`) {
		line = append(line, '"')
		line = append(line, strings.ReplaceAll(c.Word, `"`, `""`)...)
		line = append(line, '"')
	} else {
		line = append(line, c.Word...)
	}
	line = append(line, ',')
	return strconv.AppendInt(line, c.N, 10)
}

func appendJSON(line []byte, c frequency) []byte {
	var b bytes.Buffer
	if err := jobs.WriteJSON(&b, frequency{Word: jobs.Text(c.Word), N: c.N}); err != nil {
		panic(err) // text and a number can be encoded
	}
	return append(line, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
