package packaging_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updateHandlers = flag.Bool("update-handlers", false, "write the tables of docs/handlers.md, as make handlers-docs does")

// handlersPage is the reference of the handlers' keys; its tables are made from the
// structs into which they are decoded.
const handlersPage = "docs/handlers.md"

// TestHandlersPage: each table of the page has the keys of its struct, with the
// comments there as their meaning.
func TestHandlersPage(t *testing.T) {
	t.Parallel()
	page := read(t, handlersPage)
	made := page
	const begin, end = "<!-- keys of ", "<!-- end -->"
	tables := 0
	for rest := page; ; tables++ {
		_, after, found := strings.Cut(rest, begin)
		if !found {
			break
		}
		name, body, named := strings.Cut(after, " -->\n")
		table, tail, closed := strings.Cut(body, end)
		if !named || !closed {
			t.Fatalf("%s: the table %.40q does not end", handlersPage, after)
		}
		dir, typ, _ := strings.Cut(name, " ")
		marker := begin + name + " -->\n"
		made = strings.Replace(made, marker+table+end, marker+keysTable(t, dir, typ)+end, 1)
		rest = tail
	}
	if tables == 0 {
		t.Fatalf("%s has no table", handlersPage)
	}
	if *updateHandlers {
		if err := os.WriteFile(filepath.Join(root, handlersPage), []byte(made), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(page, made); diff != "" {
		t.Errorf("%s is not what handlers take; run make handlers-docs (-page +structs):\n%s", handlersPage, diff)
	}
}

// keysTable is the table of the keys of struct typ in package dir.
func keysTable(t *testing.T, dir, typ string) string {
	t.Helper()
	spec := structOf(t, dir, typ)
	var b strings.Builder
	b.WriteString("| key | value | meaning |\n|---|---|---|\n")
	doc := ""
	for _, field := range spec.Fields.List {
		key := keyOf(field)
		if key == "" || key == "-" {
			continue
		}
		if field.Doc != nil { // a comment above the first of several is of all of them
			doc = strings.Join(strings.Fields(field.Doc.Text()), " ")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", key, kindOf(field.Type), meaning(doc, key, spec))
	}
	return b.String()
}

// structOf finds the declaration of a struct.
func structOf(t *testing.T, dir, typ string) *ast.StructType {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var found *ast.StructType
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == typ {
				found, _ = spec.Type.(*ast.StructType)
			}
			return found == nil
		})
	}
	if found == nil {
		t.Fatalf("%s has no struct %s", dir, typ)
	}
	return found
}

// keyOf is the JSON key of a field; empty if it has none.
func keyOf(field *ast.Field) string {
	if field.Tag == nil {
		return ""
	}
	key, _, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json"), ",")
	return key
}

// kindOf says in JSON's terms what a key takes.
func kindOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		switch e.Name {
		case "bool":
			return "true or false"
		case "string", "Secret":
			return "text"
		case "int", "float64":
			return "number"
		}
	case *ast.SelectorExpr:
		if e.Sel.Name == "Duration" {
			return "duration"
		}
	case *ast.ArrayType:
		return "list of " + kindOf(e.Elt) + "s"
	}
	return "object"
}

// meaning is the comment of a key with the fields of the struct named by their keys,
// and without the key as its subject, which stands beside it in the table.
func meaning(doc, key string, spec *ast.StructType) string {
	doc = namedByKeys(doc, spec)
	if rest, ok := strings.CutPrefix(doc, "`"+key+"` "); ok {
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, "is "), "are ")
		doc = strings.ToUpper(rest[:1]) + rest[1:]
	}
	return strings.ReplaceAll(doc, "|", `\|`)
}

// namedByKeys is a comment with the fields of the struct named by their keys.
func namedByKeys(doc string, spec *ast.StructType) string {
	for _, field := range spec.Fields.List {
		key := keyOf(field)
		for _, name := range field.Names {
			words := strings.Split(doc, " ")
			for i, word := range words {
				bare := strings.TrimRight(word, ".,;:)")
				if bare == name.Name {
					words[i] = "`" + key + "`" + word[len(bare):]
				}
			}
			doc = strings.Join(words, " ")
		}
	}
	return doc
}
