// Package webhook is a stand-in for a receiver of webhooks: it is as strict as
// Standard Webhooks 1.0.0 allows a receiver to be, and fails as it is told to. How it
// listens, counts and follows a script is package fake's; docs/webhook.md is the
// operator's manual.
//
// It refuses to know who calls it: it shares no code with the plug-in that it is there
// to prove. What is lost at its border: it takes a receipt twice if it is sent twice, as
// a receiver without a memory does; /fake/stats?targets counts that, by webhook-id.
package webhook
