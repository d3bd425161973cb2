// Package tracing makes spans of what a lane does with a receipt, in the trace that the
// receipt's publisher has begun:
//
//	the publisher's span
//	├─ process PUSH          one for each attempt of each lane
//	│  ├─ push fcm           one for each request to the provider
//	│  └─ send PUSH_RETRY    the retry or dead letter that the attempt has stored
//	└─ process PUSH_RETRY    the next attempt, with a link to the first
//
// Names and attributes are those of the semantic conventions whose version [SchemaURL]
// says (names.go). The package knows the API of OpenTelemetry, and refuses to know its
// SDK, the environment and the broker. What is lost at its border: tokens, content and
// users, which no span has.
//
// A nil [Tracer] and a nil [Attempt] do nothing, and cost a comparison.
package tracing
