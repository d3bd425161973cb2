package app

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/config"
)

// What a provider words moves no cursor and turns no line around.
func TestConsoleLogIsPrintable(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	log := (&App{Stderr: &stderr}).Logger(config.Log{Level: "info", Format: "console"})
	const evil = "\x1b[2Jgone\u202eturned\u009b1J"
	log.Error().Err(errors.New(evil)).Str("why", evil).Msg(evil)
	if text := stderr.String(); strings.ContainsAny(text, "\x1b\u202e\u009b") || strings.Count(text, "gone") != 3 {
		t.Errorf("the terminal gets %q", text)
	}
}
