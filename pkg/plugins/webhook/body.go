package webhook

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// typeTest is the type of an event that carries nothing: doctor sends it, and a lane that
// waits for its receiver.
const typeTest = "push.test"

// typeOf is the type of the event that r tells of. Actions that are not known have one
// type in common, and the receipt says which it is.
func typeOf(r *push.Receipt) string {
	switch r.Payload.What {
	case push.ActMsg:
		return "push.message"
	case push.ActSub:
		return "push.subscription"
	case push.ActRead:
		return "push.read"
	}
	return "push.other"
}

// body is the request's for r, in the shape of Standard Webhooks: the type of the event,
// its time, and as its data the receipt and the devices, if there are any.
func (c *Config) body(r *push.Receipt, devices []push.Device) ([]byte, error) {
	shown := *r
	if c.Body == bodyThin {
		shown.Payload.Content, shown.Payload.ContentType = nil, ""
	}
	body := appendHead(nil, typeOf(r), r.Event())
	body, err := shown.AppendJSON(append(body, `{"receipt":`...), push.KeyText)
	if err != nil {
		return nil, fmt.Errorf("write the receipt as JSON: %w", err)
	}
	if len(devices) > 0 {
		list, err := json.Marshal(devices)
		if err != nil {
			return nil, fmt.Errorf("write the devices as JSON: %w", err)
		}
		body = append(append(body, `,"devices":`...), list...)
	}
	return append(body, "}}"...), nil
}

// testBody is that of an event of typeTest.
func testBody(now time.Time) []byte { return append(appendHead(nil, typeTest, now), "{}}"...) }

func appendHead(dst []byte, kind string, at time.Time) []byte {
	dst = append(append(dst, `{"type":"`...), kind...)
	dst = at.UTC().AppendFormat(append(dst, `","timestamp":"`...), time.RFC3339Nano)
	return append(dst, `","data":`...)
}
