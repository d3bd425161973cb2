// Package embedded runs a NATS server with JetStream inside this process, for
// the first run, for development and for single machines.
//
// It refuses to know streams and receipts. What is lost at its border: the
// server's own options; who needs them runs a server of their own and sets
// PUSHWORKER_NATS_URL.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
)

// Options configures the embedded server.
type Options struct {
	// Addr is host:port to listen on; port 0 takes a free one.
	Addr string
	// DataDir is the directory of the store; it is created and locked.
	DataDir string
	// SyncAlways makes the server fsync before each confirmation instead of once a
	// second.
	SyncAlways bool
	// Insecure allows an Addr that other machines can reach. The embedded server
	// has neither TLS nor authentication.
	Insecure bool
	// Log gets the server's warnings and errors, and the rest at debug level.
	Log zerolog.Logger
}

// LockedError says that another process uses the data directory.
type LockedError struct {
	// Dir is the data directory.
	Dir string
	// PID is the holder's process id, 0 if it could not be read.
	PID int
}

func (e *LockedError) Error() string {
	holder := "another process"
	if e.PID > 0 {
		holder = "process " + strconv.Itoa(e.PID)
	}
	return fmt.Sprintf("data directory %s is used by %s: stop it, or give this process a directory of its own with PUSHWORKER_DATA_DIR", e.Dir, holder)
}

// Server is a running embedded server.
type Server struct{}

// Start runs a server and returns when it is ready, at most ten seconds later.
// Errors: [*LockedError]; an address that is taken or refused; a store written
// by a newer version. After an error nothing is left running.
func Start(ctx context.Context, o Options) (*Server, error) {
	return nil, errors.New("not built yet")
}

// ClientURL is where clients of this machine connect, for example
// "nats://127.0.0.1:4222".
func (s *Server) ClientURL() string { return "" }

// InProcess connects clients of this process through a pipe.
func (s *Server) InProcess() nats.InProcessConnProvider { return nil }

// Shutdown stops the server, waits for it and unlocks the data directory.
// Clients must have been closed before. It may be called more than once.
func (s *Server) Shutdown() {}
