package packaging_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// riddles are phrases that readers stumbled over, with what to write instead.
func riddles() map[string]string {
	return map[string]string{
		`comes? again`:            "is redelivered, or is retried",
		`the seed(?:'s|[.,;:]|$)`: "Tinode, or the seed of the random numbers",
		`(?:as|in|of|from|than) the original(?:'s|[.,;:]|$)`: "Tinode",
		`the original's`:           "Tinode's",
		`lets? (?:us|them|it) in`:  "logged in",
		`(?:goes|going|go) on\b`:   "continues, or lane X resumed",
		`asks? whether it is over`: "probes every second",
		`naked`:                    "nak'd",
		`mended`:                   "corrected, or updated",
		`whom\?`:                   "--user is required",
		`anew`:                     "again",
		`(?:is|are) told (?:of|when|that|and|together)`: "gets, or is reported",
		`told as`:        "reported as",
		`tells? of`:      "reports, or says",
		`what became of`: "what happened to, or the outcome of",
		`what lost`:      "rejected alternatives",
		`in the morning`: "the situation's name",
		`in his|his own|he is|he has|he may|himself`:  "they, or the program's name",
		`is no (?:duration|range|path|color|inbox)\b`: "is not a …",
		`in case that`: "in case",
		`shall\b`:      "must",
	}
}

// TestWords keeps the worst phrases out of the documents, and out of every text that
// the programs print or log: help, errors, log lines, descriptions of settings.
func TestWords(t *testing.T) {
	t.Parallel()
	bad := make(map[*regexp.Regexp]string)
	for phrase, instead := range riddles() {
		bad[regexp.MustCompile(`(?im)\b(?:`+phrase+`)`)] = instead
	}
	texts := 0
	look := func(where, text string) {
		texts++
		for re, instead := range bad {
			if hit := re.FindString(text); hit != "" {
				t.Errorf("%s says %q: write %s", where, hit, instead)
			}
		}
	}
	for _, name := range documents(t) {
		if name == "CHANGELOG.md" {
			continue // it quotes old texts
		}
		for i, line := range strings.Split(withoutGenerated(read(t, name)), "\n") {
			look(name+":"+strconv.Itoa(i+1), line)
		}
	}
	for _, dir := range []string{"cmd", "config", "internal", "pkg"} {
		literals(t, dir, look)
	}
	if texts < 5000 {
		t.Errorf("looked at %d texts only; the test looks for the wrong thing", texts)
	}
}

// withoutGenerated blanks the lines of tables that other programs write: measurements
// and the names of mutants.
func withoutGenerated(text string) string {
	table := regexp.MustCompile(`(?s)<!-- (?:chaos|mutants|bench): ?begin -->.*?<!-- (?:chaos|mutants|bench): ?end -->`)
	return table.ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) })
}

// literals hands every string of the program below dir to look. Strings of tests are
// no texts of the program.
func literals(t *testing.T, dir string, look func(where, text string)) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, dir), func(name string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "linetest") {
			return err
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, source, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, _ := strconv.Unquote(lit.Value)
				look(files.Position(lit.Pos()).String(), text)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
