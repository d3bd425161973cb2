// Package h2post is an HTTP/2 client for many small POSTs to one authority.
//
//	Post ─► queue ─► the first connection with room ─► one writer ─► peer
//	                                                   one reader ◄─
//
// A connection has one goroutine that writes and one that reads. The writer joins
// what is queued into one write; the reader completes requests by callback. There is
// no goroutine, timer or allocation for a request, and the stable part of the headers
// is encoded once for each connection. One clock serves all: deadlines, PINGs, idle
// connections.
//
// Each request is completed exactly once, and its [Answer] says which of four things
// happened: it was answered; it is unprocessed, so that it may be repeated; it is in
// doubt, because the connection was lost after the peer may have seen it; or there was
// no answer in time. [NetHTTP] does the same over net/http, which cannot tell the
// second from the third.
//
// The package refuses to know what is posted, to whom, and what a status means. What
// is lost at its border: the trailers, and of a body all beyond 64 KiB.
package h2post
