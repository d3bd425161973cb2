package terminal

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Format is the value of --output.
type Format string

// The formats.
const (
	FormatTable Format = "table"
	FormatJSON  Format = "json"
	FormatLines Format = "jsonl"
)

func formats() []string {
	return []string{string(FormatTable), string(FormatJSON), string(FormatLines)}
}

// Set implements pflag.Value.
func (f *Format) Set(s string) error {
	if !slices.Contains(formats(), s) {
		return fmt.Errorf("choose one of %s", strings.Join(formats(), ", "))
	}
	*f = Format(s)
	return nil
}

// String implements pflag.Value.
func (f *Format) String() string { return string(*f) }

// Type implements pflag.Value.
func (f *Format) Type() string { return "FORMAT" }

// AddFormat adds --output to cmd.
func AddFormat(cmd *cobra.Command, f *Format) {
	*f = FormatTable
	cmd.Flags().VarP(f, "output", "o", "table, json or jsonl")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats(), cobra.ShellCompDirectiveNoFileComp))
}

// List writes a list, one entry after the other, in the wanted format. What does
// not print is escaped. After an error of the output it writes nothing more; close
// tells it.
type List struct {
	out    *bufio.Writer
	Format Format
	width  int
	rows   [][]string // of a table with a header, which is aligned at the end
	n      int
	Err    error
}

// NewList starts a list on w, which has width columns; 0 is no bound. In a table,
// header is its first line; without one, entries are not aligned and come out at once,
// with their line breaks.
func NewList(w io.Writer, width int, f Format, header ...string) *List {
	p := &List{out: bufio.NewWriter(w), Format: f, width: width}
	if f == FormatTable && len(header) > 0 {
		p.rows = [][]string{header}
	}
	return p
}

// Add writes an entry: v as JSON, or cells as a line of the table. An empty cell is
// shown as a dash.
func (p *List) Add(v any, cells ...string) {
	if p.Err != nil {
		return
	}
	if p.Format == FormatTable {
		p.row(cells)
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		p.Err = fmt.Errorf("encode output: %w", err)
		return
	}
	if p.Format == FormatJSON {
		p.write([]string{"[\n", ",\n"}[min(p.n, 1)])
	}
	p.n++
	p.write(PrintableJSON(string(text)))
	if p.Format == FormatLines {
		p.write("\n")
	}
}

func (p *List) row(cells []string) {
	if p.rows == nil {
		p.write(strings.Join(cells, "  ") + "\n")
		return
	}
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = OrDash(OneLine(c))
	}
	p.rows = append(p.rows, row)
}

func (p *List) write(s string) {
	if _, err := p.out.WriteString(s); err != nil && p.Err == nil {
		p.Err = fmt.Errorf("write output: %w", err)
	}
}

// Flush brings out what has been written so far.
func (p *List) Flush() {
	if err := p.out.Flush(); err != nil && p.Err == nil {
		p.Err = fmt.Errorf("write output: %w", err)
	}
}

// Close ends the list.
func (p *List) Close() error {
	if p.Format == FormatJSON {
		p.write([]string{"[", "\n"}[min(p.n, 1)] + "]\n")
	}
	for _, line := range Align(p.rows, p.width) {
		p.write(line + "\n")
	}
	p.Flush()
	return p.Err
}
