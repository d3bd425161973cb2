package outcome_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/outcome"
)

// TestDocs: docs/events.md lists the members of the types, in their order, and says
// which may be missing.
func TestDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	_, form, _ := strings.Cut(string(page), "## Form")
	var have []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([a-z ]+) \\|").FindAllStringSubmatch(form, -1) {
		have = append(have, row[1]+" "+map[bool]string{true: "or none", false: "always"}[strings.HasSuffix(row[2], " or none")])
	}
	var want []string
	for _, of := range []reflect.Type{reflect.TypeFor[outcome.Event](), reflect.TypeFor[outcome.Target]()} {
		for field := range of.Fields() {
			name, option, _ := strings.Cut(field.Tag.Get("json"), ",")
			want = append(want, name+" "+map[bool]string{true: "or none", false: "always"}[option != ""])
		}
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("docs/events.md (-type +page):\n%s", diff)
	}
}
