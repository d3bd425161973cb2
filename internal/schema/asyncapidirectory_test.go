package schema_test

import (
	"maps"
	"testing"
)

// withDirectory adds to the document what workers ask a chat server that keeps the devices
// itself (PUSHWORKER_DIRECTORY=nats), and what that may tell them.
func withDirectory(t *testing.T, document object) object {
	t.Helper()
	add := func(to any, more object) { maps.Copy(to.(object), more) }
	add(document["channels"], object{
		"directoryGet":  requestChannel("push.directory.get", "directoryQuestion", "Asks a chat server that keeps the devices itself (PUSHWORKER_DIRECTORY=nats) for all devices of these users."),
		"directoryGone": requestChannel("push.directory.gone", "deadDevice", "Tells that chat server that a provider has said a token is dead."),
		"directoryAnswers": object{
			"address": nil, "messages": messageRefs("directoryAnswer"), "description": "The inbox that the worker gave as reply subject.",
		},
		"devicesChanged": object{
			"address": "push.events.devices_changed", "messages": messageRefs("devicesChanged"),
			"description": "Plain NATS, at most once: workers ask for these users again before PUSHWORKER_DIRECTORY_TTL is over.",
		},
	})
	ask := func(channel, message, summary string) object {
		return object{
			"action": "send", "channel": ref("channels", channel), "summary": summary,
			"messages": []any{ref("channels", channel, "messages", message)},
			"reply":    object{"channel": ref("channels", "directoryAnswers"), "messages": []any{ref("channels", "directoryAnswers", "messages", "directoryAnswer")}},
		}
	}
	add(document["operations"], object{
		"askForDevices": ask("directoryGet", "directoryQuestion", "Ask the chat server for devices"),
		"tellDeadToken": ask("directoryGone", "deadDevice", "Tell the chat server of a dead token"),
		"receiveDevicesChanged": object{
			"action": "receive", "channel": ref("channels", "devicesChanged"), "summary": "Hear from the chat server whose devices have changed",
			"messages": []any{ref("channels", "devicesChanged", "messages", "devicesChanged")},
		},
	})
	components := document["components"].(object)
	add(components["messages"], directoryMessages())
	add(components["schemas"], directorySchemas())
	return document
}

func directoryMessages() object {
	payload := func(name, schema string, example any) object {
		return object{"payload": ref("components", "schemas", schema), "summary": name, "examples": []any{object{"name": "one", "payload": example}}}
	}
	line := object{"user": "782riWdFIwE", "id": "phone", "provider": "fcm", "platform": "android", "token": "the-token-of-the-app", "registered": "2026-11-24T08:30:00Z"}
	return object{
		"directoryQuestion": payload("Whose devices a worker wants to know.", "DirectoryQuestion", object{"users": []any{"782riWdFIwE"}}),
		"deadDevice":        payload("A device whose token is dead.", "DeadDevice", object{"device": line, "as_of": "2026-11-24T09:30:15Z", "reason": "unregistered"}),
		"devicesChanged":    payload("Users whose devices have changed.", "DevicesChanged", object{"users": []any{"usr782riWdFIwE"}}),
		"directoryAnswer": object{
			"summary": "What the chat server knows.", "payload": ref("components", "schemas", "DirectoryAnswer"),
			"examples": []any{
				object{"name": "devices", "payload": object{"devices": []any{line}}},
				object{"name": "done", "payload": object{"ok": true}},
				object{"name": "large", "payload": object{"error": object{"code": "too_large", "message": "1.5 MB"}}},
			},
		},
	}
}

func directorySchemas() object {
	text := object{"type": "string"}
	device := ref("components", "schemas", "Device")
	users := object{"type": "array", "items": text, "description": "ids of users"}
	asked := object{"type": "array", "items": text, "minItems": 1, "maxItems": 1000, "description": "the 11 characters of each user's id"}
	return object{
		"DirectoryQuestion": object{
			"type": "object", "required": []any{"users"},
			"properties": object{"users": asked, "provider": object{"type": "string", "description": "devices of other providers may be left out"}},
		},
		"DeadDevice": object{
			"type": "object", "required": []any{"device", "as_of", "reason"},
			"properties": object{
				"device": device, "reason": object{"type": "string", "description": "a code such as unregistered"},
				"as_of": object{"type": "string", "format": "date-time", "description": "remove the device unless it was registered after this"},
			},
		},
		"DevicesChanged": object{"type": "object", "required": []any{"users"}, "properties": object{"users": users}},
		"DirectoryAnswer": object{
			"type": "object",
			"properties": object{
				"devices": object{"type": "array", "items": device, "description": "the answer to push.directory.get: of users in the request only"},
				"ok":      object{"const": true, "description": "the answer to push.directory.gone"},
				"error": object{
					"type": "object", "required": []any{"code"},
					"properties": object{"code": object{"type": "string", "description": "too_large: the worker asks for half of the users; any other: it waits"}, "message": text},
				},
			},
			"oneOf": []any{object{"required": []any{"devices"}}, object{"required": []any{"ok"}}, object{"required": []any{"error"}}},
		},
	}
}
