// Package browser holds the handler webpush to a real browser: Firefox, without a screen, subscribes
// at a push service of the test's own, and its service worker says what it gets. make browser-test
// runs it; it needs Debian's package firefox-esr.
//
// It is a module of its own for the sake of the WebSocket library. It knows the worker from outside
// only, as a chat server does, and speaks to nothing but this machine.
package browser
