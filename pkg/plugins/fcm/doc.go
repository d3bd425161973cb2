// Package fcm is the handler that carries receipts to devices through Firebase
// Cloud Messaging: Android, Apple and web, and the subscribers of channels.
//
// One half renders: [push.Receipt] and configuration in, messages out, without a
// clock, a network or a directory. What a push looks like is what apps of the chat
// server expect, down to the byte where it matters; docs/fcm-messages.md lists the
// rules, and where and why we differ. The other half sends: it looks devices up,
// calls FCM once per device and attempt, classifies every answer, and says which
// targets remain.
//
// The package refuses to know where receipts are queued, how devices are stored,
// and when a failed target is tried again. What is lost at its border: the
// formatting of a message beyond its first 128 characters, and whatever an app can
// fetch by itself with the topic and the number that every push carries.
package fcm
