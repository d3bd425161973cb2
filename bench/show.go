package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The markers between which the tables stand in a document.
const (
	beginMark = "<!-- bench: begin -->"
	endMark   = "<!-- bench: end -->"
)

// show prints the tables, unless the results have been printed as they came, and
// writes what else is asked for.
func (p plan) show(all []record) error {
	if p.output == "table" {
		fmt.Print(tables(all))
	}
	if p.png != "" {
		if err := drawTo(p.png, panels(all)); err != nil {
			return err
		}
	}
	if p.docs != "" {
		return replaceTables(p.docs, p.picture()+tables(all))
	}
	return nil
}

// picture is the line of Markdown that shows the picture in the document; empty if
// none is drawn.
func (p plan) picture() string {
	if p.png == "" {
		return ""
	}
	path, err := filepath.Rel(filepath.Dir(p.docs), p.png)
	if err != nil {
		path = p.png
	}
	return "![the results as bars](" + filepath.ToSlash(path) + ")\n\n"
}

// render shows the results of a file.
func (p plan) render(path string) error {
	all, err := readResults(path)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("%s has no results: make it with -save", path)
	}
	return p.show(all)
}

// replaceTables puts text between the markers of a document.
func replaceTables(path, text string) error {
	document, err := os.ReadFile(path) //nolint:gosec // the operator has named it
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	before, rest, begun := bytes.Cut(document, []byte(beginMark))
	_, after, ended := bytes.Cut(rest, []byte(endMark))
	if !begun || !ended {
		return errors.New(path + " has no place for the tables: put the lines " + beginMark + " and " + endMark + " there")
	}
	out := fmt.Appendf(nil, "%s%s\n%s%s%s", before, beginMark, text, endMark, after)
	if err := os.WriteFile(path, out, 0o644); err != nil { //nolint:gosec // a document is for everybody
		return fmt.Errorf("write the document: %w", err)
	}
	return nil
}
