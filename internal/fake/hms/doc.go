// Package hms is a stand-in for Huawei's Push Kit: its API v3 (HarmonyOS, tokens signed with
// PS256), its API v1 (HMS Core on Android) and the token endpoint of that, as strict as
// Huawei's documents, with failures as it is told. Up to 1,000 device tokens share a request;
// each is a push of its own here, with an answer of its own.
//
// How it listens, counts and follows a script is package fake's. docs/hms.md describes the
// answers.
//
// It refuses to know who calls it: it shares no code with the handler that it is there
// to prove. What is lost at its border: no push reaches a device, and of what Huawei does
// not document, the form of device tokens and statuses beside codes, it has guesses.
package hms
