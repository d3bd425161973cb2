package app

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

// Off a terminal there is a line every ten seconds, and none with --quiet.
func TestProgressIsALineEveryTenSeconds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		progress *Progress
		want     string
	}{
		"total":   {&Progress{What: "erasing", Total: 30}, "pushworker: erasing: 11 of 30\npushworker: erasing: 21 of 30\n"},
		"unknown": {&Progress{What: "exporting", Total: -1}, "pushworker: exporting: 11\npushworker: exporting: 21\n"},
		"words":   {&Progress{Line: func() string { return "half" }}, "pushworker: half\npushworker: half\n"},
		"quiet":   {&Progress{What: "erasing", Quiet: true}, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			var stderr bytes.Buffer
			p := (&App{Stderr: &stderr}).Show(test.progress)
			for range 25 {
				p.Step()
				time.Sleep(time.Second - time.Nanosecond)
			}
			p.Stop()
			if stderr.String() != test.want {
				t.Errorf("%s: %q, want %q", name, stderr.String(), test.want)
			}
		})
	}
}
