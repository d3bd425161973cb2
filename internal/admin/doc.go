// Package admin is the window of a running worker: health for supervisors,
// metrics for Prometheus, and the status document that `pushworker status -o
// json` prints too.
//
//	GET /livez             200 while the process serves at all
//	GET /readyz?verbose    200 while every check passes, else 503
//	GET /metrics           Prometheus
//	GET /status            Status as JSON        guarded
//	GET /debug/pprof/      if enabled            guarded
//
// Guarded routes need the bearer token wherever other machines can reach them.
// The package refuses to change anything: it has GET and HEAD only. It does not
// know what a check checks. What is lost at its border: broker numbers are those
// of the last sample, so that no scrape ever waits for the broker.
package admin
