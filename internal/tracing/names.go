package tracing

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// SchemaURL says which version of the semantic conventions the names are of. Those for
// messaging are still under development there: the import above pins them.
const SchemaURL = semconv.SchemaURL

// The names of spans begin with one of these; what follows has few values.
const (
	processName = "process " // and the stream
	sendName    = "send "    // and the stream
	pushName    = "push "    // and the provider
)

// Events of an attempt's span.
const (
	eventBegan = "handler began"
	eventAck   = "ack"
	eventNak   = "nak"
)

// Attributes of our own. The convention's are in attributes.go by their functions.
const (
	keyHandler  = attribute.Key("pushworker.handler")
	keySeq      = attribute.Key("pushworker.receipt.seq") // for pushworker explain
	keyAttempt  = attribute.Key("pushworker.attempt")
	keyRedriven = attribute.Key("pushworker.redriven")
	keyVerdict  = attribute.Key("pushworker.verdict")
	keyReason   = attribute.Key("pushworker.reason")
	keyDelay    = attribute.Key("pushworker.delay_seconds")
	keyRequests = attribute.Key("pushworker.requests")
	keyAccepted = attribute.Key("pushworker.targets.accepted")
	keySkipped  = attribute.Key("pushworker.targets.skipped")
	keyGone     = attribute.Key("pushworker.targets.gone")
	keyRejected = attribute.Key("pushworker.targets.rejected")
	keyRetried  = attribute.Key("pushworker.targets.retried")
	keyProvider = attribute.Key("pushworker.provider")
	keyClass    = attribute.Key("pushworker.answer.class")
	keyCode     = attribute.Key("pushworker.answer.code")
	keyPlatform = attribute.Key("pushworker.device.platform")
	keyDevices  = attribute.Key("pushworker.devices")
	keyLink     = attribute.Key("pushworker.link")
)

// linkFirst is what a link leads to: the first attempt that was traced.
const linkFirst = "first attempt"

// system is the broker, as messaging.system names it.
const system = "nats"
