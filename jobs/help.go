package jobs

import (
	"fmt"
	"io"
	"strings"
)

const exitStatuses = `Exit status: 0 ok, 1 the job failed, 2 usage, 3 some pieces failed, 70 internal, 129 hung up, 130 interrupted, 143 terminated
(under "go run" each of them but 0 becomes 1)
`

func printHelp(w io.Writer, tools []Tool) error {
	var b strings.Builder
	b.WriteString("Run MapReduce jobs in worker processes.\n\n  mrrun JOB [flags]\n\nJobs:\n")
	for _, name := range names() {
		c, _ := Lookup(name)
		fmt.Fprintf(&b, "  %-12s %s\n", name, c.Summary)
	}
	b.WriteString("\nCommands:\n")
	for _, tool := range tools {
		fmt.Fprintf(&b, "  %-12s %s\n", tool.Name, tool.Summary)
	}
	fmt.Fprintf(&b, "  %-12s %s\n", "version", "Print the version.")
	b.WriteString("\nExamples:\n")
	for _, name := range names() {
		c, _ := Lookup(name)
		fmt.Fprintf(&b, "  %s\n", c.Example)
	}
	b.WriteString("\nmrrun JOB --help shows the flags of a job.\n" + exitStatuses)
	_, err := io.WriteString(w, b.String())
	return err
}

func (c Command) printHelp(w io.Writer) error {
	running := DefaultRunning()
	own, common, _ := c.flagSets(running.bind)
	usage := "mrrun " + c.Name + " [flags]"
	if c.Args != "" {
		usage += " " + c.Args
	}
	_, err := fmt.Fprintf(w, "%s\n\n  %s\n\nExample:\n  %s\n\nFlags of %s:\n%s\nFlags of all jobs:\n%s\n%s",
		c.Summary, usage, c.Example, c.Name, own.FlagUsages(), common.FlagUsages(), jsonNote+"\n"+exitStatuses)
	return err
}
