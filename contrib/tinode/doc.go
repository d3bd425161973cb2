// Package tinode makes a Tinode server (github.com/tinode/chat) publish its push
// notifications to pushworker, and answer the workers' questions about devices from
// Tinode's own database. A Tinode server imports it for its effect, in one file:
//
//	package main
//
//	import _ "github.com/pushworker/pushworker/contrib/tinode"
//
// and gets an entry in the section "push" of its configuration, whose keys are those of
// publisher.NewHandler:
//
//	{"name": "pushworker", "config": {"enabled": true, "url": "nats://127.0.0.1:4222"}}
//
// The workers run with PUSHWORKER_DIRECTORY=nats. docs/from-tinode.md has the steps.
//
// The package refuses to know the database: it asks Tinode's store, whatever that is
// on. What is lost at its border: a receipt that Tinode hands over while the buffer is
// full, and a channel subscription that no worker has taken when Tinode stops. Both
// are counted in Tinode's log.
//
// Unlike the rest of the repository this package is under the GPL-3.0, as Tinode is.
package tinode
