// Package webpush is the handler that carries receipts to browsers and to UnifiedPush
// apps: by Web Push (RFC 8030), encrypted for the subscription (RFC 8291, RFC 8188) and
// signed with a VAPID key (RFC 8292).
//
// Subscriptions come from strangers and name the server that is asked. So each origin
// has brakes of its own, requests go to public addresses only, and everything that a
// server may hold is bounded. A device's token is the endpoint; who has it may push, so
// no error and no log line shows it.
//
// The package refuses to know browsers: they differ in the words of their answers only,
// which classify reads. What is lost at its border: whether a push was shown, because no
// push server tells.
package webpush
