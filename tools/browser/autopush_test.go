package browser_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// frame is a message of the protocol of autopush, from the browser or to it.
type frame struct {
	Type       string            `json:"messageType,omitempty"`
	UAID       string            `json:"uaid,omitempty"`
	Status     int               `json:"status,omitempty"`
	UseWebPush bool              `json:"use_webpush,omitempty"`
	Broadcasts map[string]string `json:"broadcasts,omitempty"`
	ChannelID  string            `json:"channelID,omitempty"`
	Key        string            `json:"key,omitempty"`
	Endpoint   string            `json:"pushEndpoint,omitempty"`
	Version    string            `json:"version,omitempty"`
	Data       string            `json:"data,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"`
	Updates    []ack             `json:"updates,omitempty"`
}

// connect speaks with the browser until one of the two closes the connection.
func (s *pushService) connect(w http.ResponseWriter, r *http.Request) {
	s.sockets.Add(1)
	defer s.sockets.Done()
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		http.Error(w, "closed", http.StatusServiceUnavailable)
		return
	}
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"push-notification"}})
	if err != nil {
		s.Errorf("accept the browser: %v", err)
		return
	}
	defer func() { _ = socket.CloseNow() }()
	for {
		var f frame
		if wsjson.Read(r.Context(), socket, &f) != nil {
			break // it is closed
		}
		s.take(r.Context(), socket, f)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket == socket {
		s.socket = nil
	}
}

// take takes a message of the browser, and answers it.
func (s *pushService) take(ctx context.Context, socket *websocket.Conn, f frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch f.Type {
	case "": // a ping
		s.write(ctx, socket, frame{})
	case "hello":
		s.hello(ctx, socket, f)
	case "register":
		c := &channel{id: f.ChannelID, secret: rand.Text(), key: strings.TrimRight(f.Key, "=")}
		s.channels = append(s.channels, c)
		s.write(ctx, socket, frame{Type: f.Type, ChannelID: c.id, Status: http.StatusOK, Endpoint: s.url + "/wpush/" + c.secret})
	case "unregister":
		for _, c := range s.channels {
			c.ended = c.ended || c.id == f.ChannelID
		}
		s.write(ctx, socket, frame{Type: f.Type, ChannelID: f.ChannelID, Status: http.StatusOK})
	case "ack":
		s.acks = append(s.acks, f.Updates...)
		s.stored = slices.DeleteFunc(s.stored, func(m *posted) bool {
			return slices.ContainsFunc(f.Updates, func(a ack) bool { return a.Version == m.version })
		})
	case "nack":
		s.Errorf("the browser refuses a message: %+v", f)
	}
}

// hello greets the browser. One that we do not know, or that has forgotten its id, gets one.
func (s *pushService) hello(ctx context.Context, socket *websocket.Conn, f frame) {
	if s.closed {
		return // since it has connected
	}
	if s.browser == "" || f.UAID != s.browser {
		s.browser, s.channels = rand.Text(), nil
	}
	s.write(ctx, socket, frame{Type: f.Type, UAID: s.browser, Status: http.StatusOK, UseWebPush: true})
	s.socket = socket
	for _, m := range s.stored {
		s.send(ctx, socket, m)
	}
}

func (s *pushService) send(ctx context.Context, socket *websocket.Conn, m *posted) {
	s.write(ctx, socket, frame{
		Type: "notification", ChannelID: m.channel.id, Version: m.version,
		Data: base64.RawURLEncoding.EncodeToString(m.body), Headers: map[string]string{"encoding": m.header.Get("Content-Encoding")},
	})
}

// write writes to the browser. If that fails, the connection has ended, which its reader sees.
func (s *pushService) write(ctx context.Context, socket *websocket.Conn, f frame) {
	_ = wsjson.Write(ctx, socket, f)
}

// acked are what the browser has said of messages.
func (s *pushService) acked() []ack {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.acks)
}
