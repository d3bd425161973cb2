// Package apns is a stand-in for Apple's push service that is as strict as Apple's
// documents, and fails as it is told to: over HTTP/2 with TLS alone, one stream on a
// connection until a valid token was seen there, tokens that may change every 20 minutes,
// every header's rule, and the form of aps.
//
// How it listens, counts and follows a script is package fake's. docs/apns.md describes
// answers and what a token's first characters mean.
//
// It refuses to know who calls it: it shares no code with the handler that it is there
// to prove. What is lost at its border: no push reaches a device, and what Apple does not
// document is a guess (marked where it is made).
package apns
