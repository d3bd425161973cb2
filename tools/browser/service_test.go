package browser_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// pushService is a push service as Mozilla's is: the worker posts to it by RFC 8030, and Firefox gets
// what is posted by the protocol of autopush. It keeps a message until the browser has acked it.
type pushService struct {
	*testing.T
	url     string
	sockets sync.WaitGroup

	mu       sync.Mutex
	browser  string // the user agent's id, which we have given it
	socket   *websocket.Conn
	closed   bool
	channels []*channel
	stored   []*posted // in the order in which they were posted
	taken    []*posted // all that were accepted
	refused  map[int]int
	acks     []ack
}

// channel is a subscription.
type channel struct {
	id, secret string // secret is the end of the endpoint's path
	key        string // the applicationServerKey
	ended      bool
}

// posted is a push that was accepted.
type posted struct {
	channel *channel
	version string
	header  http.Header
	body    []byte
}

// ack is what the browser says of a message; 100 is that it was decrypted and delivered.
type ack struct {
	ChannelID string `json:"channelID"`
	Version   string `json:"version"`
	Code      int    `json:"code"`
}

func newPushService(t *testing.T) *pushService {
	t.Helper()
	s := &pushService{T: t, refused: make(map[int]int)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.connect)
	mux.HandleFunc("POST /wpush/{secret}", s.post)
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.Close() // which does not wait for WebSockets
		s.setClosed(true)
		s.sockets.Wait()
	})
	s.url = server.URL
	return s
}

// most is how long a body may be (RFC 8030, section 7.2).
const most = 4096

var (
	topic     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)
	urgencies = []string{"", "very-low", "low", "normal", "high"}
)

// post takes a push from an application server.
func (s *pushService) post(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	s.mu.Lock()
	defer s.mu.Unlock()
	var status int
	var reason string
	at := slices.IndexFunc(s.channels, func(c *channel) bool { return c.secret == r.PathValue("secret") })
	switch {
	case at < 0:
		status = http.StatusNotFound
	case s.channels[at].ended:
		status = http.StatusGone
	case err != nil:
		status = http.StatusRequestEntityTooLarge
	default:
		if reason = malformed(r.Header); reason != "" {
			status = http.StatusBadRequest
			break
		}
		status, reason = authorized(r.Header.Get("Authorization"), s.url, s.channels[at].key)
	}
	if status != http.StatusCreated {
		s.refused[status]++
		if reason != "" && status != http.StatusForbidden {
			s.Errorf("a push is refused: %s", reason)
		}
		http.Error(w, reason, status)
		return
	}
	m := &posted{channel: s.channels[at], version: rand.Text(), header: r.Header, body: body}
	s.store(r.Context(), m)
	w.Header().Set("Location", s.url+"/message/"+m.version)
	w.Header().Set("TTL", r.Header.Get("TTL"))
	w.WriteHeader(http.StatusCreated)
}

// malformed says what is wrong with the headers of a push, but for who sends it.
func malformed(h http.Header) string {
	if ttl, err := strconv.Atoi(h.Get("TTL")); err != nil || ttl < 0 {
		return "TTL is not a number of seconds"
	}
	switch {
	case h.Get("Content-Encoding") != "aes128gcm":
		return "Content-Encoding is not aes128gcm"
	case h.Values("Topic") != nil && !topic.MatchString(h.Get("Topic")):
		return "Topic is no topic of RFC 8030"
	case !slices.Contains(urgencies, h.Get("Urgency")):
		return "Urgency is none of RFC 8030"
	}
	return ""
}

// store keeps m for the browser, in place of one with its topic, and sends it if the browser is there.
func (s *pushService) store(ctx context.Context, m *posted) {
	s.taken = append(s.taken, m)
	if of := m.header.Get("Topic"); of != "" {
		s.stored = slices.DeleteFunc(s.stored, func(old *posted) bool {
			return old.channel == m.channel && old.header.Get("Topic") == of
		})
	}
	s.stored = append(s.stored, m)
	if s.socket != nil {
		s.send(ctx, s.socket, m)
	}
}

// setClosed has the browser disconnected, and refused until it is false again.
func (s *pushService) setClosed(closed bool) {
	s.mu.Lock()
	s.closed = closed
	socket := s.socket
	s.socket = nil
	s.mu.Unlock()
	if socket != nil {
		_ = socket.CloseNow()
	}
}

// connected reports whether the browser is connected, and has said who it is.
func (s *pushService) connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.socket != nil
}

// settled reports whether the browser has acked all that is for it.
func (s *pushService) settled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.stored) == 0
}

// accepted are the messages that were accepted.
func (s *pushService) accepted() []*posted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// refusals is how many pushes got this status.
func (s *pushService) refusals(status int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused[status]
}
