package push_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

// A logger shows neither tokens nor content, whatever it is handed and in whatever form
// it writes.
func TestLoggersShowNoSecret(t *testing.T) {
	t.Parallel()
	share := push.Recipient{Devices: []string{secretToken}}
	payload := push.Payload{What: push.ActMsg, Topic: "grpA", SeqId: 7, Content: json.RawMessage(`"` + secretToken + `"`)}
	receipt := push.Receipt{To: map[push.Uid]push.Recipient{alice: share}, Payload: payload}
	d := phone()
	for _, v := range []any{d, &d, share, &share, payload, &payload, receipt, &receipt} {
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("a", "it", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("a", "it", v)
		if text := out.String(); strings.Contains(text, secretToken) || strings.Count(text, "\n") != 2 {
			t.Errorf("%T is logged as %s", v, text)
		}
	}
}
