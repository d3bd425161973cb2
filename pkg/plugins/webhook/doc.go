// Package webhook is the handler that posts receipts to a URL, signed as Standard
// Webhooks 1.0.0 wants it (standardwebhooks.com). It makes a program in any language a
// handler.
//
// It refuses to know what the receiver does with a receipt: a 2xx status settles it,
// unless the answer's JSON names who has not got it. What is lost at its border: a
// receiver that has taken a request whose answer got lost is sent it again, with the
// same id.
package webhook
