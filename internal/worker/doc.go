// Package worker builds the rooms of a process from its configuration and runs
// them until it is told to stop:
//
//	handlers (push.Registry), embedded broker
//	        │
//	admin server, which says "waiting" ─► connection ─► streams and durables
//	        │                                                   │
//	     status ◄─────────────────────────────────────────── lanes ─► retries, dead letters
//
// The order in which Run opens things is the order of dependence, and its defers
// close them the other way round. The package refuses to know flags, signals and
// exit codes (internal/cli does), and has no logic about receipts of its own.
package worker
