// Package link puts a worker behind a connection to the broker that can be cut:
// whole, or in one direction, which is the half-open connection that a lost cable
// or a forgetful firewall leaves.
//
// With the right to do so, a worker lives in a network namespace of its own, with
// one veth pair to the broker and another to the provider, so that what is cut is
// packets and TCP finds out by itself. Without it there is a proxy that stops
// passing bytes on. It refuses to know what the programs say to each other.
package link

import "context"

// Direction is what a cut stops.
type Direction string

// Directions.
const (
	Both     Direction = "both"
	ToBroker Direction = "to broker"
	ToWorker Direction = "to worker"
)

// Link is the connection of one worker.
type Link interface {
	// Wrap returns the arguments that run args at the worker's end.
	Wrap(args []string) []string
	// Brokers are the addresses of the brokers as the worker sees them.
	Brokers() []string
	// Admin is where others see the worker's admin server; empty leaves the choice.
	Admin() string
	// Cut stops what goes into a direction until Heal.
	Cut(ctx context.Context, d Direction) error
	// Heal undoes the last Cut.
	Heal(ctx context.Context) error
	// Close takes the link away.
	Close()
}

// Net makes links.
type Net interface {
	// Broker and Provider are the hosts for them to listen on.
	Broker() string
	Provider() string
	// Link makes the link of the next worker to brokers, which are host:port.
	Link(ctx context.Context, brokers []string) (Link, error)
	// How says what links are made of.
	How() string
	// Close takes away what is not a link's own; close the links first.
	Close()
}
