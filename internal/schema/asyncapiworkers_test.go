package schema_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/internal/schema"
)

// withWorkers adds to the document what workers keep in the broker for themselves and tell
// each other. Nobody else publishes there; who looks at a broker shall know what it is.
func withWorkers(document object) object {
	add := func(to any, more object) { maps.Copy(to.(object), more) }
	parameter := func(name, about string) object { return object{name: object{"description": about}} }
	channel := func(address, message, description string, parameters ...object) object {
		c := requestChannel(address, message, description)
		all := object{}
		for _, p := range parameters {
			maps.Copy(all, p)
		}
		c["parameters"] = all
		return c
	}
	lane := parameter("handler", "The handler whose lane it is, for example fcm.")
	add(document["channels"], object{
		"accepted": channel("push.events.accepted.{handler}", "accepted",
			"Stored by the stream PUSH_EVENTS: the receipts of which every target was accepted, in brief, unless PUSHWORKER_EVENTS is all.", lane),
		"schedules": channel("push.schedule.{handler}.{message}", "retry",
			"Stored by the stream PUSH_RETRY until Nats-Schedule: a receipt, or the rest of one, that is tried again.", lane,
			parameter("message", "The identity of the message.")),
		"retries": channel("push.retry.{handler}", "retry", "Stored by the stream PUSH_RETRY: retries whose time has come.", lane),
		"suspects": channel("push.retry.{handler}.suspects", "retry",
			"Stored by the stream PUSH_RETRY: receipts that are tried alone, because workers crashed while they held them.", lane),
		"tries": channel("push.try.{provider}", "try",
			"Plain NATS, between workers and operators: asks those who have a handler of the provider for a test push. It has the device's token.",
			parameter("provider", "The type of a handler, for example fcm.")),
		"status": channel("push.status.{stream}.{lanes}", "status",
			"Plain NATS, between workers, not stored and at most once: what one of them has asked the broker, for the others.",
			parameter("stream", "The stream of receipts, for example PUSH."), parameter("lanes", "A hash of the names of the lanes.")),
	})
	operation := func(action, channel, message, summary string) object {
		return object{
			"action": action, "channel": ref("channels", channel), "summary": summary,
			"messages": []any{ref("channels", channel, "messages", message)},
		}
	}
	add(document["operations"], object{
		"sendAccepted":   operation("send", "accepted", "accepted", "Record which receipts were accepted"),
		"scheduleRetry":  operation("send", "schedules", "retry", "Have a receipt come again later"),
		"receiveRetry":   operation("receive", "retries", "retry", "Try a receipt again"),
		"sendSuspect":    operation("send", "suspects", "retry", "Have a receipt tried alone"),
		"receiveSuspect": operation("receive", "suspects", "retry", "Try a receipt alone"),
		"sendTry":        operation("send", "tries", "try", "Ask the others for a test push"),
		"receiveTry":     operation("receive", "tries", "try", "Send a test push for another process"),
		"sendStatus":     operation("send", "status", "status", "Tell the other workers what the broker has said"),
		"receiveStatus":  operation("receive", "status", "status", "Hear from another worker what the broker has said"),
	})
	components := document["components"].(object)
	add(components["messages"], workersMessages())
	add(components["schemas"], workersSchemas())
	return document
}

func workersMessages() object {
	payload := func(summary, schema string, example any) object {
		return object{"summary": summary, "payload": ref("components", "schemas", schema), "examples": []any{object{"name": "one", "payload": example}}}
	}
	return object{
		"accepted": payload("Receipts that every target has accepted.", "Accepted", object{
			"at": "2026-11-25T02:00:01.5Z", "handler": "fcm", "stream": "PUSH",
			"accepted": []any{[]any{4711, 1, "782riWdFIwE"}, []any{4712, 0, nil, "782riWdFIwE"}},
		}),
		"retry": object{
			"summary": "The receipt as it was published, or narrowed to the devices that remain.",
			"headers": ref("components", "schemas", "RetryHeaders"), "payload": ref("components", "schemas", "Receipt"),
			"examples": []any{object{
				"name": "one", "payload": object{"to": object{"782riWdFIwE": object{}}, "payload": object{"what": "msg", "topic": "grpnG99YhENiQU", "seq": 42}},
				"headers": object{
					"Push-Handler": "fcm", "Push-Attempt": "1", "Push-Origin-Stream": "PUSH", "Push-Origin-Seq": "4711",
					"Push-First": "2026-11-25T02:00:00Z", "Push-Error": "FCM: 503",
				},
			}},
		},
		"try": payload("A device, and what its app is to return.", "Try", object{
			"device": object{"user": "782riWdFIwE", "id": "phone", "provider": "fcm", "platform": "android", "token": "the-token-of-the-app"},
			"token":  "MNQXE5DJMNXW2ZLTMFRWG33VNZ",
		}),
		"status": payload("The state of lanes and streams; without stats it says that the worker is there.", "Status", object{
			"from": "XQ3TOPCDPZSMTFLLJ2S5UGIXKE", "read": true,
		}),
	}
}

func workersSchemas() object {
	text, moment := object{"type": "string"}, object{"type": "string", "format": "date-time"}
	headers := letterHeaders()
	headers["required"] = []any{"Push-Handler", "Push-Attempt", "Push-Origin-Stream", "Push-Origin-Seq", "Push-First"}
	delete(headers["properties"].(object), "Push-Truncated")
	return object{
		"Accepted": object{
			"type": "object", "required": []any{"at", "handler", "stream", "accepted"},
			"properties": object{
				"at": moment, "handler": text, "stream": text,
				"accepted": object{
					"type":        "array",
					"description": "a receipt each: its sequence in stream, how many targets accepted it, its users, and after a null the users without a device that the handler sends it to",
					"items":       object{"type": "array", "minItems": 2, "items": object{"type": []any{"integer", "string", "null"}}},
				},
			},
		},
		"Try": object{
			"type": "object", "required": []any{"device", "token"},
			"properties": object{
				"device":   object{"type": "object", "required": []any{"id", "provider", "platform", "token"}},
				"token":    object{"type": "string", "description": "what the app gets, for push.devices.ack"},
				"activate": object{"type": "boolean", "description": "only if the device has to be activated"},
			},
		},
		"Status": object{
			"type": "object", "required": []any{"from"},
			"properties": object{
				"from":  object{"type": "string", "description": "the process, at random"},
				"read":  object{"type": "boolean", "description": "somebody reads its metrics or its status"},
				"asked": moment,
				"stats": object{"type": "object", "description": "what `pushworker status -o json` has of lanes and streams"},
			},
		},
		"RetryHeaders": headers,
	}
}

// TestEverySubjectIsDescribed: each subject that the code has is an address of the
// document, and each address is one of the code's.
func TestEverySubjectIsDescribed(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../broker/wire/subjects.go")
	if err != nil {
		t.Fatal(err)
	}
	values := constants(string(source))
	if len(values) < 10 {
		t.Fatalf("%d subjects in the code; the test looks for the wrong thing", len(values))
	}
	values["Subject"] = "push.receipts" // the setting's default
	var addresses []string
	for _, c := range parse(t, schema.AsyncAPI()).(object)["channels"].(object) {
		if at, ok := c.(object)["address"].(string); ok {
			addresses = append(addresses, at)
		}
	}
	for name, value := range values {
		if !slices.ContainsFunc(addresses, func(at string) bool { return strings.HasPrefix(at, value) }) {
			t.Errorf("%s, %q, is no address of the document: describe it in asyncapi_test.go", name, value)
		}
	}
	for _, at := range addresses {
		if !slices.ContainsFunc(slices.Collect(maps.Values(values)), func(value string) bool { return strings.HasPrefix(at, value) }) {
			t.Errorf("the code has no subject %s", at)
		}
	}
}

// constants are the subjects among the constants of a source, by name. Prefixes of
// others stand for those.
func constants(source string) map[string]string {
	values := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?m)^\s+(\w+)\s+=\s+(?:(\w+) \+ )?"([^"]*)"$`).FindAllStringSubmatch(source, -1) {
		if value := values[m[2]] + m[3]; strings.HasPrefix(value, "push.") {
			values[m[1]] = value
		}
	}
	return values
}
