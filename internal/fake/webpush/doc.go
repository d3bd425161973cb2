// Package webpush is a stand-in for a push server: it is as strict as RFC 8030, 8188, 8291
// and 8292 allow one to be, and fails as it is told to. It is also the browser: it holds the
// keys of its subscriptions, and shows what was pushed. How it listens, counts and follows a
// script is package fake's; docs/webpush.md is the operator's manual.
//
// It refuses to know who calls it: it shares no code with the plug-in that it is there
// to prove. What is lost at its border: topics. A push server replaces what is still stored;
// this one stores nothing.
package webpush
