package stdout_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/pkg/plugins/stdout"
	"github.com/pushworker/pushworker/pkg/push"
)

// Route gives the line that would be printed, and prints nothing.
func TestRouteIsTheLine(t *testing.T) {
	t.Parallel()
	r := &push.Receipt{Payload: push.Payload{What: push.ActMsg, Topic: "grpOne", SeqId: 7}}
	for format, want := range map[string]string{"json": `"topic":"grpOne"`, "text": "grpOne"} {
		var out bytes.Buffer
		h := stdout.New(&out)
		if err := h.Init(`{"format":"` + format + `"}`); err != nil {
			t.Fatal(err)
		}
		routes, err := h.Route(t.Context(), r)
		h.Stop()
		if err != nil || len(routes) != 1 || routes[0].Result != push.ResultAccepted {
			t.Fatalf("%s: Route = %+v, %v", format, routes, err)
		}
		if text := string(routes[0].Message); !json.Valid(routes[0].Message) || !strings.Contains(text, want) || out.Len() > 0 {
			t.Errorf("%s: message is %s, printed is %q", format, text, out.String())
		}
	}
}
