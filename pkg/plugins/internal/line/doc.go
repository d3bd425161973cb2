// Package line makes requests to one provider: no more than it allows, none while it
// is down, and to nobody before the time that it has named.
//
// A request is a [Call], and what came of it an [Answer]: what it means for the
// address (its [Fate]) and whom it concerns (its [Scope]). What a provider says of
// more than its address is believed when several addresses have shown it.
//
// The core reports by callback, [Line.Start], and keeps neither a goroutine nor a
// lock while a request is open; [Line.Send] waits for that. Requests travel on a
// [Wire]: one HTTP/2 client for all of them, or net/http. What has been answered is
// settled off the goroutine that reads, together with what came in the same moment.
//
// The package refuses to know receipts, devices and messages, and what a provider's
// statuses mean. What is lost at its border: all of an answer but what it means.
package line
