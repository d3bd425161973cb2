package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// tables writes all results as Markdown, which reads well on a terminal, too.
func tables(all []record) string {
	var b strings.Builder
	if i := slices.IndexFunc(all, func(r record) bool { return r.Group == "machine" }); i >= 0 {
		fmt.Fprintf(&b, "Measured %s.\n", all[i].Note)
	}
	for _, t := range layouts() {
		if rows := of(all, t.group); len(rows) > 0 {
			b.WriteString("\n### " + t.title + "\n\n")
			t.write(&b, rows)
		}
	}
	return b.String()
}

// layout is how a group is shown.
type layout struct {
	group, title string
	write        func(*strings.Builder, []record)
}

func layouts() []layout {
	return []layout{
		{"null", "Without a provider", writeNull},
		{"fcm", "FCM, against the loops", writeFCM},
		{"apns", "APNs, against the loops", writeAPNs},
		{"webpush", "Web Push, against a loop", writeWebpush},
		{"beside", "At half load, beside a lane in trouble", writeBeside},
		{"growth", "More workers", writeGrowth},
		{"recipients", "Larger receipts", writeRecipients},
		{"backlog", "Longer backlogs", writeBacklog},
		{"history", "Longer histories", writeHistory},
		{"devices", "More devices", writeDevices},
		{"idle", "At rest", writeIdle},
		{"directory", "Devices that the chat server keeps", writeDirectory},
		{"shards", "Two streams of receipts", writeShards},
		{"traces", "Traces", writeTraces},
	}
}

func of(all []record, group string) []record {
	return slices.DeleteFunc(slices.Clone(all), func(r record) bool { return r.Group != group })
}

// column is one value of the rows of a table.
type column struct {
	head   string
	format string
	value  func(record) float64
}

func column0(head string, value func(record) float64) column { return column{head, "%.0f", value} }

// The columns that several tables have.
func rateColumn() column {
	return column0("pushes/s", func(r record) float64 { return r.Rate })
}

func cpuColumns() []column {
	return []column{
		{"CPU µs", "%.1f", func(r record) float64 { return r.CPU }},
		{"broker µs", "%.1f", func(r record) float64 { return r.BrokerCPU }},
	}
}

func fakeColumn() column {
	return column{"fake µs", "%.1f", func(r record) float64 { return r.FakeCPU }}
}

func rssColumn() column {
	return column0("peak MiB", func(r record) float64 { return r.RSS })
}

func latencyColumns() []column {
	return []column{
		{"p50 ms", "%.2f", func(r record) float64 { return r.P50 }},
		{"p99 ms", "%.2f", func(r record) float64 { return r.P99 }},
		{"p99.9 ms", "%.2f", func(r record) float64 { return r.P999 }},
	}
}

func connectionColumns() []column {
	return []column{
		column0("connections", func(r record) float64 { return float64(r.Open) }),
		column0("failed", func(r record) float64 { return float64(r.Failed) }),
		column0("twice", func(r record) float64 { return float64(r.Twice) }),
	}
}

// write writes one line per row, in the order of their first appearance: the median
// of its rounds, with the extremes if there are several.
func write(b *strings.Builder, rows []record, columns []column) {
	b.WriteString("| |")
	for _, c := range columns {
		b.WriteString(" " + c.head + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, name := range names(rows) {
		b.WriteString("| " + name + " |")
		for _, c := range columns {
			b.WriteString(" " + c.cell(named(rows, name)) + " |")
		}
		b.WriteString("\n")
	}
}

// cell is min / **median** / max, or the value if they are all the same.
func (c column) cell(rows []record) string {
	x := values(rows, c.value)
	low, middle, high := c.text(slices.Min(x)), c.text(median(x)), c.text(slices.Max(x))
	if low == high {
		return middle
	}
	return low + " / **" + middle + "** / " + high
}

func (c column) text(x float64) string {
	if c.format == "%.0f" {
		return count(int(x + 0.5))
	}
	return fmt.Sprintf(c.format, x)
}

func names(rows []record) []string {
	var all []string
	for _, r := range rows {
		if !slices.Contains(all, r.Row) {
			all = append(all, r.Row)
		}
	}
	return all
}

func named(rows []record, name string) []record {
	return slices.DeleteFunc(slices.Clone(rows), func(r record) bool { return r.Row != name })
}

func values(rows []record, value func(record) float64) []float64 {
	x := make([]float64, len(rows))
	for i, r := range rows {
		x[i] = value(r)
	}
	return x
}

func split(rows []record, ok func(record) bool) (yes, no []record) {
	for _, r := range rows {
		if ok(r) {
			yes = append(yes, r)
		} else {
			no = append(no, r)
		}
	}
	return yes, no
}

// paired is the median over the rounds of what combine makes of two rows of the
// same round.
func paired(rows []record, one, other string, value func(record) float64, combine func(a, b float64) float64) float64 {
	byRound := func(name string) []record {
		return slices.SortedFunc(slices.Values(named(rows, name)), func(a, b record) int { return cmp.Compare(a.Round, b.Round) })
	}
	a, b := byRound(one), byRound(other)
	var x []float64
	for i := range min(len(a), len(b)) {
		x = append(x, combine(value(a[i]), value(b[i])))
	}
	return median(x)
}

func ratio(a, b float64) float64 { return a / b }

func difference(a, b float64) float64 { return a - b }
