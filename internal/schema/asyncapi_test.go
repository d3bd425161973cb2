package schema_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/retry"
)

// object is a JSON object.
type object = map[string]any

// asyncAPIDocument describes pushworker as AsyncAPI 3.0.0 sees an application:
// receive is what it takes, send what it gives.
func asyncAPIDocument(t *testing.T) object {
	t.Helper()
	return withDirectory(t, withWorkers(object{
		"asyncapi": "3.0.0",
		"info": object{
			"title":   "pushworker",
			"version": "1.0.0",
			"description": "Takes push receipts from NATS JetStream and delivers them. Publish with a Nats-Msg-Id, wait for the stream's " +
				"acknowledgement, and publish again with the same id when there is none: see docs/publishing.md. Fields that are not " +
				"listed here are allowed everywhere and ignored.",
			"license": object{"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
		},
		"defaultContentType": "application/json",
		"servers": object{"broker": object{
			"host": "127.0.0.1:4222", "protocol": "nats",
			"description": "The embedded broker's default address (PUSHWORKER_EMBEDDED_ADDR), or a NATS server of your own with JetStream.",
		}},
		"channels":   addresses(),
		"operations": operations(),
		"components": object{"messages": messages(t), "schemas": schemas(t)},
	}))
}

func addresses() object {
	handler := object{"handler": object{"description": "The handler that gave up, for example fcm; _malformed and a hash for what no handler could read."}}
	return object{
		"receipts": object{
			"address": "push.receipts", "messages": messageRefs("receipt"),
			"description": "Stored by the stream PUSH, which acknowledges each message with {\"stream\",\"seq\",\"duplicate\"}.",
		},
		"receiptsOf": object{
			"address": "push.receipts.{origin}", "messages": messageRefs("receipt"),
			"parameters":  object{"origin": object{"description": "Any further tokens, to tell publishers apart. With PUSHWORKER_STREAMS above 1, the first is the number of the stream, from 0."}},
			"description": "The same treatment as push.receipts, and the same stream unless PUSHWORKER_STREAMS is above 1.",
		},
		"deadLetters": object{
			"address": "push.dead.{handler}", "messages": messageRefs("deadLetter"), "parameters": handler,
			"description": "Stored by the stream PUSH_DEAD: receipts that could not be delivered.",
		},
		"devicePut":  requestChannel("push.devices.put", "device", "Registers a device; a token belongs to the user who registered it last."),
		"deviceList": requestChannel("push.devices.ls", "deviceQuery", "Lists a user's devices, without their tokens."),
		"deviceRemove": requestChannel("push.devices.rm", "deviceQuery",
			"Removes the user's devices that have the id, provider and token of the request, as far as it names them."),
		"deviceTest":    requestChannel("push.devices.test", "deviceQuery", "Sends one real push to each device of a user, or to the one with the id, and says what the provider answered."),
		"deviceAck":     requestChannel("push.devices.ack", "testToken", "Returns the token of a test push, which shows that it was delivered."),
		"channelPut":    requestChannel("push.channels.put", "membership", "Has a user join a channel; the user's devices are subscribed to it soon after."),
		"channelList":   requestChannel("push.channels.ls", "channelQuery", "Lists the channels of a user."),
		"channelRemove": requestChannel("push.channels.rm", "channelQuery", "Has a user leave a channel, or all channels if the request names none."),
		"deviceAnswers": object{
			"address": nil, "messages": messageRefs("answer"),
			"description": "The inbox that the client gave as reply subject.",
		},
		"outcomes": object{
			"address": "push.events.outcome.{handler}", "messages": messageRefs("outcome"),
			"parameters": object{"handler": object{"description": "The handler whose outcomes they are, for example fcm."}},
			"description": "Stored by the stream PUSH_EVENTS, as far as PUSHWORKER_EVENTS says, and no promise: what would slow a worker " +
				"is dropped.",
		},
		"marks": object{
			"address": "push.marks.{stream}", "messages": messageRefs("marks"),
			"parameters":  object{"stream": object{"description": "The stream of receipts whose workers tell each other, for example PUSH."}},
			"description": "Plain NATS, between workers, not stored and at most once: what was read, and which badges were sent.",
		},
		"deviceGone": object{
			"address": "push.events.device_gone", "messages": messageRefs("deviceGone"),
			"description": "Plain NATS, at most once: a hint to forget the device too, and no record.",
		},
	}
}

func requestChannel(address, message, description string) object {
	return object{"address": address, "messages": messageRefs(message), "description": description}
}

// messageRefs refers to messages of the components by name.
func messageRefs(names ...string) object {
	all := object{}
	for _, n := range names {
		all[n] = ref("components", "messages", n)
	}
	return all
}

func ref(path ...string) object { return object{"$ref": "#/" + strings.Join(path, "/")} }

func operations() object {
	operation := func(action, channel, message, summary string) object {
		return object{
			"action": action, "channel": ref("channels", channel), "summary": summary,
			"messages": []any{ref("channels", channel, "messages", message)},
		}
	}
	request := func(channel, message, summary string) object {
		o := operation("receive", channel, message, summary)
		o["reply"] = object{"channel": ref("channels", "deviceAnswers"), "messages": []any{ref("channels", "deviceAnswers", "messages", "answer")}}
		o["bindings"] = object{"nats": object{"queue": "pushworker", "bindingVersion": "0.1.0"}}
		return o
	}
	return object{
		"receiveReceipt":   operation("receive", "receipts", "receipt", "Deliver a receipt through every enabled handler"),
		"receiveReceiptOf": operation("receive", "receiptsOf", "receipt", "Deliver a receipt through every enabled handler"),
		"putDevice":        request("devicePut", "device", "Register a device"),
		"listDevices":      request("deviceList", "deviceQuery", "List a user's devices"),
		"removeDevices":    request("deviceRemove", "deviceQuery", "Remove devices of a user"),
		"testDevices":      request("deviceTest", "deviceQuery", "Send a test push to a user's devices"),
		"returnTestToken":  request("deviceAck", "testToken", "Return the token of a test push"),
		"joinChannel":      request("channelPut", "membership", "Have a user join a channel"),
		"listChannels":     request("channelList", "channelQuery", "List the channels of a user"),
		"leaveChannel":     request("channelRemove", "channelQuery", "Have a user leave a channel"),
		"sendDeadLetter":   operation("send", "deadLetters", "deadLetter", "Keep what could not be delivered"),
		"sendOutcome":      operation("send", "outcomes", "outcome", "Record what became of receipts"),
		"sendMarks":        operation("send", "marks", "marks", "Tell the other workers what was read"),
		"receiveMarks":     operation("receive", "marks", "marks", "Hear from the other workers what was read"),
		"sendDeviceGone":   operation("send", "deviceGone", "deviceGone", "Tell that a device has left the directory"),
	}
}

func messages(t *testing.T) object {
	t.Helper()
	return object{
		"receipt": object{
			"summary": "Who is to be notified, and of what.",
			"headers": ref("components", "schemas", "PublishHeaders"), "payload": ref("components", "schemas", "Receipt"),
			"examples": receiptExamples(t),
		},
		"deadLetter": object{
			"summary": "The receipt as it was published, byte for byte, unless Push-Truncated says otherwise. It need not be a receipt, nor JSON.",
			"headers": ref("components", "schemas", "LetterHeaders"), "contentType": "application/octet-stream",
		},
		"device": object{
			"summary": "A device to register.", "payload": ref("components", "schemas", "Device"),
			"examples": []any{object{"name": "phone", "payload": object{
				"user": "usr782riWdFIwE", "id": "phone", "provider": "fcm", "platform": "android", "token": "the-token-of-the-app", "lang": "en",
			}}},
		},
		"deviceQuery": object{
			"summary": "Whose devices, and which of them.", "payload": ref("components", "schemas", "DeviceQuery"),
			"examples": []any{
				object{"name": "all", "payload": object{"user": "usr782riWdFIwE"}},
				object{"name": "one", "payload": object{"user": 81985529216486895, "id": "phone"}},
			},
		},
		"membership": object{
			"summary": "A user and a channel.", "payload": ref("components", "schemas", "Membership"),
			"examples": []any{object{"name": "one", "payload": object{"user": "usr782riWdFIwE", "channel": "chnnG99YhENiQU"}}},
		},
		"channelQuery": object{
			"summary": "A user, and perhaps one of the user's channels.", "payload": ref("components", "schemas", "ChannelQuery"),
			"examples": []any{object{"name": "all", "payload": object{"user": "usr782riWdFIwE"}}},
		},
		"testToken": object{
			"summary": "The token of a test push, as the app has got it.", "payload": ref("components", "schemas", "TestToken"),
			"examples": []any{object{"name": "one", "payload": object{"token": "MNQXE5DJMNXW2ZLTMFRWG33VNZ"}}},
		},
		"answer": object{
			"summary": "What became of the request.", "payload": ref("components", "schemas", "Answer"),
			"examples": []any{
				object{"name": "done", "payload": object{"ok": true}},
				object{"name": "refused", "payload": object{"error": object{"code": "invalid", "message": "token is missing"}}},
			},
		},
		"outcome": object{
			"summary":     "What became of receipts at a handler: one event or more, each a line. The schema is that of a line.",
			"contentType": "application/x-ndjson", "payload": ref("components", "schemas", "Outcome"),
			"examples": []any{object{"name": "refused", "payload": object{
				"at": "2026-11-25T02:00:01.5Z", "handler": "fcm", "verdict": "bury", "stream": "PUSH", "stream_seq": 4711,
				"published": "2026-11-25T02:00:00Z", "attempt": 1, "reason": "permanent", "error": "payload refused",
				"users": []any{"782riWdFIwE"}, "rejected": 1, "targets": []any{object{
					"user": "782riWdFIwE", "id": "phone", "provider": "fcm", "platform": "android", "token_hash": "3f2a9c41",
					"result": "rejected", "why": "payload refused",
				}},
			}}},
		},
		"marks": object{
			"summary": "What a worker has learned from receipts; without marks it says that the worker is there.",
			"payload": ref("components", "schemas", "Marks"),
			"examples": []any{object{"name": "read", "payload": object{"from": "XQ3TOPCDPZSMTFLLJ2S5UGIXKE", "marks": []any{
				object{"user": "782riWdFIwE", "topic": "grpabc", "value": 42, "seq": 4711, "at": "2026-11-24T09:30:15Z"},
			}}}},
		},
		"deviceGone": object{
			"summary": "A user has a device no more.", "payload": ref("components", "schemas", "DeviceGone"),
			"examples": []any{object{"name": "unregistered", "payload": object{
				"user": "782riWdFIwE", "id": "phone", "provider": "fcm", "platform": "android", "reason": "unregistered",
				"token_hash": "3f2a9c41", "registered": "2026-11-01T08:30:00Z", "at": "2026-11-24T09:30:15Z",
			}}},
		},
	}
}

// receiptExamples are wire samples, with the key form that every reader takes.
func receiptExamples(t *testing.T) []any {
	t.Helper()
	var all []any
	for name, file := range map[string]string{
		"message":      "v0164-01-msg-plain-group.textkeys.json",
		"subscription": "v0164-03-sub-group-modes.textkeys.json",
		"read":         "v0253-03-read-group-silent.textkeys.json",
		"channel":      "v0253-02-msg-group-with-channel.textkeys.json",
	} {
		raw, err := os.ReadFile(filepath.Join("../../pkg/push/testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, object{
			"name": name, "payload": json.RawMessage(bytes.TrimSpace(raw)), "headers": object{"Nats-Msg-Id": name + ".42.20260704T142217.25Z"},
		})
	}
	sortByName(all)
	return all
}

func schemas(t *testing.T) object {
	t.Helper()
	receipt := embedded(t, receiptSchema(t))
	defs := receipt["$defs"].(object)
	delete(receipt, "$defs")
	event := reflector(t, "internal/device").Reflect(device.Event{})
	event.Required = []string{"user", "id", "provider", "platform", "reason", "token_hash", "at"}
	describe(t, event, reflect.TypeFor[device.Event]())
	outcome, target := outcomeSchemas(t)
	return object{
		"Outcome": outcome, "Target": target,
		"Receipt": receipt, "Recipient": defs["Recipient"], "Payload": defs["Payload"],
		"Device": embedded(t, deviceSchema(t)), "DeviceGone": embedded(t, event),
		"DeviceQuery": deviceQuery(t),
		"Membership":  membership(t, "user", "channel"), "ChannelQuery": membership(t, "user"),
		"TestToken": object{"type": "object", "required": []any{"token"}, "properties": object{
			"token": object{"type": "string", "description": "the member test of the push's data"},
		}},
		"Answer":         answer(),
		"Marks":          marks(),
		"PublishHeaders": publishHeaders(),
		"LetterHeaders":  letterHeaders(),
	}
}

// embedded is a schema as a component: without the marks of a document of its own,
// and with references to its neighbours.
func embedded(t *testing.T, s *jsonschema.Schema) object {
	t.Helper()
	s.Version, s.ID, s.Type, s.Extras = "", "", "object", nil
	var o object
	d := json.NewDecoder(strings.NewReader(strings.ReplaceAll(pretty(t, s), "#/$defs/", "#/components/schemas/")))
	d.UseNumber() // the bounds are beyond a float64
	if err := d.Decode(&o); err != nil {
		t.Fatal(err)
	}
	return o
}

func deviceQuery(t *testing.T) object {
	t.Helper()
	users := embedded(t, deviceSchema(t))["properties"].(object)["user"]
	text := func(about string) object { return object{"type": []any{"string", "null"}, "description": about} }
	return object{
		"type": "object", "required": []any{"user"},
		"properties": object{
			"user": users, "id": text("only the device with this id"),
			"provider": text("only devices of this provider"), "token": text("only the device with this token"),
		},
	}
}

// membership is a user and a channel, of which some are required.
func membership(t *testing.T, required ...any) object {
	t.Helper()
	return object{
		"type": "object", "required": required,
		"properties": object{
			"user": embedded(t, deviceSchema(t))["properties"].(object)["user"],
			"channel": object{
				"type": "string", "pattern": `^[A-Za-z0-9_.~%-]{1,128}$`, "not": object{"pattern": "^grp"},
				"description": "the channel's name, as receipts have it in channel",
			},
		},
	}
}

func marks() object {
	text, number := object{"type": "string"}, object{"type": "integer"}
	return object{
		"type": "object", "required": []any{"from"},
		"properties": object{
			"from": object{"type": "string", "description": "the process, at random"},
			"marks": object{"type": "array", "items": object{
				"type": "object", "required": []any{"user", "value", "seq", "at"},
				"properties": object{
					"user": text, "topic": object{"type": "string", "description": "that of a read; none for a badge"},
					"handler": object{"type": "string", "description": "the lane of a badge; none for a read"},
					"value":   object{"type": "integer", "description": "the number of the last message read, or the badge"},
					"seq":     number, "at": object{"type": "string", "format": "date-time", "description": "when the receipt was published that said so"},
				},
			}},
		},
	}
}

func answer() object {
	text := object{"type": "string"}
	listed := object{
		"type": "object", "required": []any{"id", "provider", "platform", "token_hash"},
		"properties": object{
			"id": text, "provider": text, "platform": text, "lang": text, "registered": object{"type": "string", "format": "date-time"},
			"activated":  object{"type": "boolean", "description": "the app has returned the token of a test push"},
			"failing":    object{"type": "object", "required": []any{"why", "since"}, "properties": object{"why": text, "since": object{"type": "string", "format": "date-time"}}, "description": "why nothing reaches the device, and since when"},
			"token_hash": object{"type": "string", "description": "the token's keyed hash, the same in logs and events"},
		},
	}
	refusal := object{
		"type": "object", "required": []any{"code", "message"},
		"properties": object{
			"code": object{
				"enum":        []any{"malformed", "invalid", "busy", "damaged", "foreign", "unavailable"},
				"description": "malformed and invalid are the request's fault; after busy and unavailable, ask again; damaged: what is stored of the user or the token cannot be read, an operator has to look; foreign: the chat server keeps the devices itself",
			},
			"message": object{"type": "string", "description": "for people; one sentence"},
		},
	}
	return object{
		"type": "object",
		"properties": object{
			"ok": object{"const": true}, "error": refusal,
			"devices":  object{"type": "array", "items": listed, "description": "the answer to push.devices.ls"},
			"channels": object{"type": "array", "items": text, "description": "the answer to push.channels.ls"},
			"tests":    object{"type": "array", "items": trial(listed), "description": "the answer to push.devices.test"},
		},
		"oneOf": []any{object{"required": []any{"ok"}}, object{"required": []any{"error"}}},
	}
}

// trial is a test push to one device.
func trial(listed object) object {
	text, at := object{"type": "string"}, object{"type": "string", "format": "date-time"}
	return object{
		"type": "object", "required": []any{"device", "result", "token", "began"},
		"properties": object{
			"device": listed, "handler": text, "began": at, "asked": at, "answered": at,
			"result":    object{"enum": []any{"accepted", "skipped", "gone", "rejected", "retried"}},
			"why":       object{"type": "string", "description": "the reason of another result than accepted"},
			"unique_id": object{"type": "string", "description": "what Apple's Push Notifications Console knows the push by; only the sandbox tells"},
			"token":     object{"type": "string", "description": "what the app gets, for push.devices.ack"},
		},
	}
}

func publishHeaders() object {
	return object{"type": "object", "properties": object{
		"Nats-Msg-Id": object{
			"type": "string", "minLength": 1,
			"description": "names the notification, and holds the message's own time, because a conversation that is begun again has the same topic and numbers; a second message with it within two minutes is acknowledged and not stored",
		},
		"traceparent":  object{"type": "string", "description": "the trace to go on with (W3C Trace Context); any case is read"},
		"tracestate":   object{"type": "string", "description": "goes with traceparent"},
		"Push-Expires": object{"type": "string", "format": "date-time", "description": "from then on no handler sends the notification, and no provider keeps it for an offline device"},
		"Push-Waited":  object{"type": "string", "pattern": "^[0-9]+$", "description": "for how many seconds the publisher has kept the receipt before, at most a year; its age counts from then"},
	}}
}

func letterHeaders() object {
	text := func(about string) object { return object{"type": "string", "description": about} }
	moment := func(about string) object {
		return object{"type": "string", "format": "date-time", "description": about}
	}
	digits := func(about string) object {
		return object{"type": "string", "pattern": "^[0-9]+$", "description": about}
	}
	reasons := []any{}
	for _, r := range retry.Reasons() {
		reasons = append(reasons, r.String())
	}
	return object{
		"type":     "object",
		"required": []any{"Push-Reason", "Push-Origin-Stream", "Push-Origin-Seq", "Push-Attempt", "Push-First", "Push-Last"},
		"properties": object{
			"Push-Handler":        text("who gave up; empty for what no handler could read"),
			"Push-Reason":         object{"enum": reasons},
			"Push-Error":          text("the last error"),
			"Push-Attempt":        digits("how often the handler really tried"),
			"Push-First":          moment("when the receipt was published"),
			"Push-Last":           moment("when it was given up"),
			"Push-Origin-Stream":  text("where the receipt was first stored"),
			"Push-Origin-Seq":     digits("its sequence there"),
			"Push-Origin-Subject": text("where it was published"),
			"Push-Trace":          object{"type": "string", "description": "the first attempt that was traced, as traceparent says it"},
			"Push-Truncated":      object{"const": "true", "description": "the receipt was too large to keep all of it"},
		},
	}
}

func sortByName(examples []any) {
	slices.SortFunc(examples, func(a, b any) int {
		return cmp.Compare(a.(object)["name"].(string), b.(object)["name"].(string))
	})
}
