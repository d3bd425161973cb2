// Package otlptest has a collector of OpenTelemetry for tests: it takes spans over HTTP in
// protobuf, as a real one does, and draws them as a tree. It refuses to know what the
// spans are about.
package otlptest
