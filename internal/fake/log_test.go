package fake_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/pushworker/pushworker/internal/fake"
)

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Split(strings.TrimSpace(b.b.String()), "\n")
}

const secretToken = `"secret-token"`

func TestTheLogHidesTokensAndMessages(t *testing.T) {
	t.Parallel()
	var log buffer
	s := start(t, fake.Options{Log: &log})
	c := client(t, s)
	push(t, c, s, secretToken)
	push(t, c, s, secretToken)
	push(t, c, s, "other")
	push(t, c, s, "#news")
	lines := log.lines()
	if len(lines) != 4 {
		t.Fatalf("%d lines, want 4", len(lines))
	}
	targets := make([]string, len(lines))
	for i, text := range lines {
		var line struct {
			Target, Answer string
			Status, Bytes  int
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Answer != "accepted" || line.Status != 200 || line.Bytes == 0 {
			t.Errorf("%v in %s", err, text)
		}
		if strings.Contains(text, "secret") {
			t.Errorf("the log tells %s", text)
		}
		targets[i] = line.Target
	}
	if targets[0] != targets[1] || targets[0] == targets[2] || !strings.HasPrefix(targets[0], "#") || targets[3] != "#news" {
		t.Errorf("targets %q: equal tokens must look equal, others different, public ones plain", targets)
	}
	shown := ask(t, c, s, "GET", "/fake/requests", "").body + ask(t, c, s, "GET", "/fake/stats?targets", "").body
	if strings.Contains(shown, "secret") {
		t.Errorf("/fake/ tells %s", shown)
	}
}

func TestRevealShowsTokensAndMessages(t *testing.T) {
	t.Parallel()
	var log buffer
	s := start(t, fake.Options{Log: &log, Reveal: true})
	c := client(t, s)
	push(t, c, s, secretToken)
	push(t, c, s, "no JSON")
	var line struct {
		Target string
		Body   json.RawMessage
	}
	lines := log.lines()
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil || line.Target != secretToken || string(line.Body) != secretToken {
		t.Errorf("%v in %s", err, lines[0])
	}
	if !json.Valid([]byte(lines[1])) {
		t.Errorf("a broken body breaks the line %s", lines[1])
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestALogThatCannotBeWrittenIsCounted(t *testing.T) {
	t.Parallel()
	s := start(t, fake.Options{Log: fullDisk{}})
	if got := push(t, client(t, s), s, "a"); got.status != 200 || s.Stats().Missed != 1 {
		t.Errorf("%d, missed %d, want the answer and one miss", got.status, s.Stats().Missed)
	}
}
