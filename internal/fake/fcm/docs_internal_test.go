package fcm

import (
	"os"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/internal/fake"
)

func TestTheManualListsEveryAnswerAndItsScriptRuns(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/fakefcm.md")
	if err != nil {
		t.Fatal(err)
	}
	manual := string(text)
	for _, a := range append(answers(), fake.LineAnswers(answers()[0])...) {
		if !strings.Contains(manual, "\n| `"+a.Name+"` |") {
			t.Errorf("docs/fakefcm.md lacks the answer %s (%s)", a.Name, a.About)
		}
	}
	_, rest, _ := strings.Cut(manual, "```json\n")
	example, _, found := strings.Cut(rest, "```")
	if s, err := ParseScript([]byte(example)); err != nil || len(s.Rules) != 4 || !found {
		t.Errorf("the script of docs/fakefcm.md has %d rules: %v", len(s.Rules), err)
	}
}
