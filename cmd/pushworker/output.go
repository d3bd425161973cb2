package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

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

// printer writes a list, one entry after the other, in the wanted format. JSON has
// escapes for what does not print, table cells are to have them. After
// an error of the output it writes nothing more; close tells it.
type printer struct {
	out    *bufio.Writer
	format format
	table  *tabwriter.Writer
	n      int
	err    error
}

// newPrinter starts a list on w. In a table, header is its first line; without
// one, lines are not aligned and come out at once.
func newPrinter(w io.Writer, f format, header ...string) *printer {
	p := &printer{out: bufio.NewWriter(w), format: f}
	if f == formatTable && len(header) > 0 {
		p.table = tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		p.row(header)
	}
	return p
}

// add writes an entry: v as JSON, or cells as a line of the table.
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
	if p.table == nil {
		p.write(strings.Join(cells, "  ") + "\n")
		return
	}
	if _, err := io.WriteString(p.table, strings.Join(cells, "\t")+"\n"); err != nil {
		p.err = fmt.Errorf("write output: %w", err)
	}
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
	if p.table != nil {
		if err := p.table.Flush(); err != nil && p.err == nil {
			p.err = fmt.Errorf("write output: %w", err)
		}
	}
	p.flush()
	return p.err
}
