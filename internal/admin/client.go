package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// maxAnswer bounds what a [Client] reads.
const maxAnswer = 1 << 20

// Client asks a worker's admin address.
type Client struct {
	base, token string
	http        *http.Client
}

// NewClient returns a client of the worker at base, for example
// http://127.0.0.1:9464. token may be empty. If a worker listens on the socket, it is
// asked there; see [SocketPath].
func NewClient(base, token, socket string) Client {
	return Client{
		base:  base,
		token: token,
		http: &http.Client{
			Transport:     &http.Transport{DisableKeepAlives: true, DialContext: dialer(socket)}, // and no proxy
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// dialer dials the socket, and if nobody listens there, the address.
func dialer(socket string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if socket != "" {
			if conn, err := d.DialContext(ctx, "unix", socket); err == nil {
				return conn, nil
			}
		}
		return d.DialContext(ctx, network, addr)
	}
}

// Status asks for the worker's status.
func (c Client) Status(ctx context.Context) (Status, error) {
	var s Status
	text, err := c.Read(ctx, "/status")
	if err == nil {
		err = json.Unmarshal([]byte(text), &s)
	}
	if err != nil {
		return Status{}, fmt.Errorf("ask the worker: %w", err)
	}
	return s, nil
}

// Read returns the text of a route, for example "/livez". Any status but 200 is
// an error with the text in it.
func (c Client) Read(ctx context.Context, route string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+route, nil)
	if err != nil {
		return "", fmt.Errorf("ask %s%s: check PUSHWORKER_ADMIN_ADDR: %w", c.base, route, err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", fmt.Errorf("no answer, is the worker running and PUSHWORKER_ADMIN_ADDR the same for both? %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", fmt.Errorf("read the answer of %s%s: %w", c.base, route, err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s%s answers %s: %s", c.base, route, resp.Status, strings.TrimSpace(string(text)))
	}
	return string(text), nil
}
