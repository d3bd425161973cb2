// Package content makes of what people wrote the words that a push has room for: the
// plain text of a notification, and a preview that keeps the formatting for the app.
//
// It refuses to know receipts, providers and notifications. What is lost at its
// border: the text beyond 128 characters, and all formatting but what a preview has.
package content
