package h2post

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/net/http2"
)

var (
	// ErrBusy says that too many requests wait.
	ErrBusy = errors.New("too many requests wait for a connection")
	// ErrClosed says that the client was closed.
	ErrClosed = errors.New("the client is closed")
	// ErrCanceled says that the owner has given the request up.
	ErrCanceled = errors.New("the request was cancelled")
	// ErrTimeout says that there was no answer before the deadline.
	ErrTimeout = errors.New("no answer before the timeout")
	// ErrLost says that the connection ended while the request was open.
	ErrLost = errors.New("the connection was lost")
	// ErrNoHTTP2 says that the peer does not speak HTTP/2.
	ErrNoHTTP2 = errors.New("the peer does not speak HTTP/2")
	// ErrTooLarge says that the request's headers can never be sent to this peer.
	ErrTooLarge = errors.New("the headers are larger than the peer accepts")
	// ErrBadField says that the request can never be sent.
	ErrBadField = errors.New("a path or header field holds invalid characters")

	errSilent    = errors.New("no answer to PING")
	errGoAway    = errors.New("the peer closes the connection and has not processed the request")
	errMalformed = errors.New("the answer is malformed")
)

// ResetError says with which code the peer has reset the request's stream.
type ResetError struct{ Code uint32 }

func (e *ResetError) Error() string {
	return fmt.Sprintf("the peer has reset the stream: %v", http2.ErrCode(e.Code))
}

// protocolError is what the peer has done wrong. It ends the connection.
type protocolError struct {
	code http2.ErrCode
	what string
}

func (e *protocolError) Error() string { return fmt.Sprintf("%v: %s", e.code, e.what) }

func wrong(code http2.ErrCode, what string) error { return &protocolError{code, what} }

func lost(why error) error { return fmt.Errorf("%w: %w", ErrLost, why) }

// goAwayError says with which code the peer has ended the connection, and its reason, if it
// says one.
type goAwayError struct {
	code   http2.ErrCode
	reason string
}

func (e *goAwayError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the peer has said GOAWAY: %v %s", e.code, e.reason))
}

// plainReason is what an error may quote of a peer's words.
var plainReason = regexp.MustCompile(`^[A-Za-z]{1,60}$`)

// reasonIn is the reason in what a peer adds to GOAWAY, if that is JSON as Apple writes it
// ("Sending notification requests to APNs"); else empty.
func reasonIn(debug []byte) string {
	var says struct {
		Reason string `json:"reason"`
	}
	if json.Unmarshal(debug, &says) != nil || !plainReason.MatchString(says.Reason) {
		return ""
	}
	return says.Reason
}
