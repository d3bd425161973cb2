package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// format is the value of --output.
type format string

const (
	formatTable format = "table"
	formatJSON  format = "json"
	formatLines format = "jsonl"
)

func formats() []string {
	return []string{string(formatTable), string(formatJSON), string(formatLines)}
}

// Set implements pflag.Value.
func (f *format) Set(s string) error {
	if !slices.Contains(formats(), s) {
		return fmt.Errorf("choose one of %s", strings.Join(formats(), ", "))
	}
	*f = format(s)
	return nil
}

// String implements pflag.Value.
func (f *format) String() string { return string(*f) }

// Type implements pflag.Value.
func (f *format) Type() string { return "FORMAT" }

// addFormatFlag adds --output to cmd.
func addFormatFlag(cmd *cobra.Command, f *format) {
	*f = formatTable
	cmd.Flags().VarP(f, "output", "o", "table, json or jsonl")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats(), cobra.ShellCompDirectiveNoFileComp))
}

// printer writes a list, one entry after the other, in the wanted format. What does
// not print is escaped. After an error of the output it writes nothing more; close
// tells it.
type printer struct {
	out    *bufio.Writer
	format format
	width  int
	rows   [][]string // of a table with a header, which is aligned at the end
	n      int
	err    error
}

// newPrinter starts a list on w, which has width columns; 0 is no bound. In a table,
// header is its first line; without one, entries are not aligned and come out at once,
// with their line breaks.
func newPrinter(w io.Writer, width int, f format, header ...string) *printer {
	p := &printer{out: bufio.NewWriter(w), format: f, width: width}
	if f == formatTable && len(header) > 0 {
		p.rows = [][]string{header}
	}
	return p
}

// add writes an entry: v as JSON, or cells as a line of the table. An empty cell is
// shown as a dash.
func (p *printer) add(v any, cells ...string) {
	if p.err != nil {
		return
	}
	if p.format == formatTable {
		p.row(cells)
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		p.err = fmt.Errorf("encode output: %w", err)
		return
	}
	if p.format == formatJSON {
		p.write([]string{"[\n", ",\n"}[min(p.n, 1)])
	}
	p.n++
	p.write(printableJSON(string(text)))
	if p.format == formatLines {
		p.write("\n")
	}
}

func (p *printer) row(cells []string) {
	if p.rows == nil {
		p.write(strings.Join(cells, "  ") + "\n")
		return
	}
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = orDash(oneLine(c))
	}
	p.rows = append(p.rows, row)
}

func (p *printer) write(s string) {
	if _, err := p.out.WriteString(s); err != nil && p.err == nil {
		p.err = fmt.Errorf("write output: %w", err)
	}
}

// flush brings out what has been written so far.
func (p *printer) flush() {
	if err := p.out.Flush(); err != nil && p.err == nil {
		p.err = fmt.Errorf("write output: %w", err)
	}
}

// close ends the list.
func (p *printer) close() error {
	if p.format == formatJSON {
		p.write([]string{"[", "\n"}[min(p.n, 1)] + "]\n")
	}
	for _, line := range aligned(p.rows, p.width) {
		p.write(line + "\n")
	}
	p.flush()
	return p.err
}
