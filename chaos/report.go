package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// writeTable prints results for a person.
func writeTable(out io.Writer, results []result) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "scenario\tacked\tok\tlost\tunexp.\tdupl.\tbound\trecov.\tdead\tsettled\t  verdict\t")
	for _, r := range results {
		v := r.Total
		verdict := "ok"
		switch {
		case r.NotRun != "":
			verdict = "NOT RUN"
		case !r.passed():
			verdict = "FAILED"
		}
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1fs\t%s\t\n", r.Scenario,
			v.Acked, v.OK, v.Lost, v.Unexpected, v.Duplicated, r.Bound, v.Recovered, v.Dead, r.Settled, verdict)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	var b strings.Builder
	for _, r := range results {
		switch {
		case r.NotRun != "":
			fmt.Fprintf(&b, "%s was not run: %s\n", r.Scenario, r.NotRun)
		case r.Links != "":
			fmt.Fprintf(&b, "%s: %s; links are %s\n", r.Scenario, r.counts(), r.Links)
		default:
			fmt.Fprintf(&b, "%s: %s\n", r.Scenario, r.counts())
		}
		if r.Doubt != (doubt{}) {
			fmt.Fprintf(&b, "  %s\n", &r.Doubt)
		}
		for _, f := range r.Failures {
			fmt.Fprintf(&b, "  FAILED: %s\n", f)
		}
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("print the faults: %w", err)
	}
	return nil
}

// writeLine prints a result as a line of JSON.
func writeLine(out io.Writer, r result) error {
	text, err := json.Marshal(r)
	if err == nil {
		_, err = out.Write(append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("print a result: %w", err)
	}
	return nil
}
