package fakefcm

import (
	"os"
	"strings"
	"testing"
)

func TestTheManualListsEveryAnswerAndItsScriptRuns(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/fakefcm.md")
	if err != nil {
		t.Fatal(err)
	}
	manual := string(text)
	for _, a := range answers() {
		if !strings.Contains(manual, "\n| `"+a.name+"` |") {
			t.Errorf("docs/fakefcm.md lacks the answer %s (%s)", a.name, a.about)
		}
	}
	_, rest, _ := strings.Cut(manual, "```json\n")
	example, _, found := strings.Cut(rest, "```")
	if s, err := ParseScript([]byte(example)); err != nil || len(s.Rules) != 4 || !found {
		t.Errorf("the script of docs/fakefcm.md has %d rules: %v", len(s.Rules), err)
	}
}
