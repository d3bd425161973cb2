package hms

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestTheManualListsEveryAnswer: with its status.
func TestTheManualListsEveryAnswer(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../../../docs/hms.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range answers() {
		if row := fmt.Sprintf("\n| `%s` | %d | %s |\n", a.Name, a.Status, a.About); !strings.Contains(string(manual), row) {
			t.Errorf("docs/hms.md lacks the row %s", row)
		}
	}
}
