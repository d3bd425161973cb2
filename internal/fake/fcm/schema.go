package fcm

// A kind is how a field of a message is written in JSON.
type kind uint8

const (
	kindString kind = iota + 1
	kindBool
	kindInt
	kindFloat
	kindEnum
	kindDuration
	kindTimestamp
	kindMap     // of strings
	kindList    // of what elem says
	kindMessage // an object with the fields of field.fields
	kindStruct  // any JSON object
)

// A mark makes the walker keep what it meets.
type mark uint8

const (
	markToken mark = iota + 1
	markTopic
	markCondition
	markValidateOnly
	markTTL
	markData           // a map for the app, with forbidden keys
	markWebpushHeaders // a map that may hold TTL
	markWebpush        // the section is there
	markPlatform       // another platform's section is there
)

// A bucket is where the size of a value is added up.
type bucket uint8

const (
	bucketNone bucket = iota
	bucketData
	bucketNotification
	bucketAndroidData
	bucketAndroidNotification
	bucketApns
	buckets
)

// A field is one field of the FCM v1 API as of late 2026; the reference is
// https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages.
type field struct {
	name   string // as in the .proto file
	kind   kind
	typ    string // the name that error messages use
	mark   mark
	bucket bucket
	elem   kind
	enum   []string
	fields map[string]*field // by both spellings
}

const (
	fcmType  = "type.googleapis.com/google.firebase.fcm.v1."
	protobuf = "type.googleapis.com/google.protobuf."
)

// newSchema makes the tree for the body of a send request.
func newSchema() *field {
	return message("", "SendMessageRequest",
		&field{name: "validate_only", kind: kindBool, mark: markValidateOnly},
		message("message", "Message",
			text("name"),
			&field{name: "token", kind: kindString, mark: markToken},
			&field{name: "topic", kind: kindString, mark: markTopic},
			&field{name: "condition", kind: kindString, mark: markCondition},
			data(bucketData),
			notification("Notification", bucketNotification, text("title"), text("body"), text("image")),
			androidConfig(),
			marked(markPlatform, message("android_v2", "AndroidConfigV2")).loosened(),
			marked(markWebpush, webpushConfig()),
			marked(markPlatform, apnsConfig()),
			message("fcm_options", "FcmOptions", text("analytics_label"))))
}

func androidConfig() *field {
	return marked(markPlatform, message("android", "AndroidConfig",
		text("collapse_key"), text("restricted_package_name"),
		enum("priority", "AndroidConfig.AndroidMessagePriority", "NORMAL", "HIGH"),
		&field{name: "ttl", kind: kindDuration, mark: markTTL},
		flag("direct_boot_ok"), flag("bandwidth_constrained_ok"), flag("restricted_satellite_ok"),
		data(bucketAndroidData),
		message("fcm_options", "AndroidFcmOptions", text("analytics_label")),
		androidNotification()))
}

func androidNotification() *field {
	color := []*field{{name: "red", kind: kindFloat}, {name: "green", kind: kindFloat}, {name: "blue", kind: kindFloat}, {name: "alpha", kind: kindFloat}}
	return notification("AndroidNotification", bucketAndroidNotification,
		text("title"), text("body"), text("icon"), text("color"), text("sound"), text("tag"), text("click_action"),
		text("body_loc_key"), list("body_loc_args", kindString), text("title_loc_key"), list("title_loc_args", kindString),
		text("channel_id"), text("ticker"), text("image"),
		flag("sticky"), flag("local_only"), flag("bypass_proxy_notification"),
		flag("default_sound"), flag("default_vibrate_timings"), flag("default_light_settings"),
		&field{name: "event_time", kind: kindTimestamp},
		&field{name: "notification_count", kind: kindInt},
		list("vibrate_timings", kindDuration),
		enum("notification_priority", "AndroidNotification.NotificationPriority",
			"PRIORITY_UNSPECIFIED", "PRIORITY_MIN", "PRIORITY_LOW", "PRIORITY_DEFAULT", "PRIORITY_HIGH", "PRIORITY_MAX"),
		enum("visibility", "AndroidNotification.Visibility", "VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"),
		enum("proxy", "AndroidNotification.Proxy", "PROXY_UNSPECIFIED", "ALLOW", "DENY", "IF_PRIORITY_LOWERED"),
		message("light_settings", "LightSettings",
			message("color", "Color", color...),
			&field{name: "light_on_duration", kind: kindDuration}, &field{name: "light_off_duration", kind: kindDuration}))
}

func webpushConfig() *field {
	return message("webpush", "WebpushConfig",
		&field{name: "headers", kind: kindMap, typ: fcmType + "WebpushConfig.HeadersEntry", mark: markWebpushHeaders},
		data(bucketNone),
		&field{name: "notification", kind: kindStruct, typ: protobuf + "Struct"},
		message("fcm_options", "WebpushFcmOptions", text("link"), text("analytics_label")))
}

func apnsConfig() *field {
	return message("apns", "ApnsConfig",
		&field{name: "headers", kind: kindMap, typ: fcmType + "ApnsConfig.HeadersEntry"},
		&field{name: "payload", kind: kindStruct, typ: protobuf + "Struct", bucket: bucketApns},
		text("live_activity_token"),
		message("fcm_options", "ApnsFcmOptions", text("analytics_label"), text("image")))
}

func message(name, typ string, fields ...*field) *field {
	f := &field{name: name, kind: kindMessage, typ: fcmType + typ, fields: make(map[string]*field, 2*len(fields))}
	for _, sub := range fields {
		f.fields[sub.name] = sub
		f.fields[camel(sub.name)] = sub
	}
	return f
}

// notification is a message whose fields all count toward the size.
func notification(typ string, b bucket, fields ...*field) *field {
	f := message("notification", typ, fields...)
	f.bucket = b
	for _, sub := range fields {
		sub.bucket = b
	}
	return f
}

func data(b bucket) *field {
	return &field{name: "data", kind: kindMap, typ: fcmType + "Message.DataEntry", mark: markData, bucket: b}
}

func text(name string) *field { return &field{name: name, kind: kindString} }

func flag(name string) *field { return &field{name: name, kind: kindBool} }

func list(name string, elem kind) *field { return &field{name: name, kind: kindList, elem: elem} }

func enum(name, typ string, values ...string) *field {
	return &field{name: name, kind: kindEnum, typ: fcmType + typ, enum: values}
}

func marked(m mark, f *field) *field {
	f.mark = m
	return f
}

// loosened takes any object: the second Android section is not documented yet.
func (f *field) loosened() *field {
	f.kind, f.fields = kindStruct, nil
	return f
}

// camel is the spelling of the same name in proto3 JSON.
func camel(name string) string {
	out := make([]byte, 0, len(name))
	up := false
	for i := range len(name) {
		switch {
		case name[i] == '_':
			up = true
			continue
		case up:
			out = append(out, name[i]-'a'+'A')
		default:
			out = append(out, name[i])
		}
		up = false
	}
	return string(out)
}
