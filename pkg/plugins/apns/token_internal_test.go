package apns

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
	fakeapns "github.com/pushworker/pushworker/internal/fake/apns"
	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

func testKey(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func newTestSender(t *testing.T) *sender {
	t.Helper()
	return &sender{
		line: line.New(line.Options{Name: "APNs", InFlight: 100, Timeout: sendTimeout}),
		auth: newAuth(&Config{Key: testKey(t), KeyID: "ABC123DEFG", TeamID: "DEF123GHIJ"}),
	}
}

// process is a sender with a fake Apple, in a bubble: its clock is the bubble's.
type process struct {
	*testing.T
	*sender
}

// newProcess has the key in a file, if there is one.
func newProcess(t *testing.T, s *fakeapns.Server, c Config) *process {
	t.Helper()
	c.TeamID = fakeapns.DefaultTeamID
	if c.KeyID == "" {
		c.KeyID = fakeapns.DefaultKeyID
	}
	p := &process{T: t, sender: &sender{line: line.New(line.Options{Name: "APNs", InFlight: 100, Timeout: sendTimeout})}}
	p.auth = newAuth(&c)
	p.wire = line.WireOver(h2post.New(t.Context(), h2post.Options{
		Authority: "apple.example:443", Prime: true, Move: move, IdleAfter: 24 * time.Hour, Conns: 2,
		Dial: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go s.Serve(theirs)
			return ours, nil
		},
	}))
	return p
}

// send sends one push.
func (p *process) send() line.Answer {
	p.Helper()
	m := &message{
		rendered: &rendered{aps: []byte(`{"content-available":1}`), data: []byte(`{"what":"msg"}`), expiration: "0"},
		token:    strings.Repeat("ab", 32), topic: "com.example.app", id: "11111111-1111-8111-8111-111111111111",
	}
	if err := p.auth.Ready(p.Context()); err != nil {
		return line.Answer{Err: err}
	}
	return p.line.Send(p.Context(), p.call(m))
}

func (p *process) mustSend() {
	p.Helper()
	if a := p.send(); a.Fate != line.Accepted {
		p.Fatalf("%s: %+v", time.Now().UTC().Format(time.TimeOnly), a)
	}
}

func bubbleFake(t *testing.T) *fakeapns.Server {
	t.Helper()
	s, err := fakeapns.New(fakeapns.Options{Options: fake.Options{MaxStreams: 50, Keep: 1 << 14}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTokensOfADay: over a day, two processes that began at different times show the same
// tokens, one every half hour and none twice within 20 minutes on a connection; no
// connection is given up for it.
func TestTokensOfADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bubbleFake(t)
		time.Sleep(17*time.Minute + 3*time.Second)
		one := newProcess(t, s, Config{Key: s.Key()})
		one.mustSend()
		time.Sleep(12*time.Minute + 56*time.Second) // near the next token
		two := newProcess(t, s, Config{Key: s.Key()})
		const day = 24 * time.Hour
		for range day / (30 * time.Second) {
			one.mustSend()
			two.mustSend()
			if a, b := mustToken(one), mustToken(two); a != b {
				t.Fatalf("the processes show different tokens:\n%s\n%s", a, b)
			}
			time.Sleep(30 * time.Second)
		}
		if st := s.Stats(); st.Connections != 2 || st.Answers["accepted"] != st.Requests || st.Tokens < 48 || st.Tokens > 50 {
			t.Errorf("stats are %+v, want one connection for each process, and 48 tokens a day", st)
		}
		one.close()
		two.close()
	})
}

func mustToken(p *process) string {
	t, err := p.auth.Now()
	if err != nil {
		p.Fatal(err)
	}
	return t.Value.token
}

// TestKeyReplaced: a new key in the file, with another id, is used within seconds, over new
// connections; the old one's take nothing more. A damaged file changes nothing.
func TestKeyReplaced(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key.p8")
	write := func(text []byte) {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := bubbleFake(t)
		other, err := s.AddKey("OTHERKEY01")
		if err != nil {
			t.Fatal(err)
		}
		write(s.Key())
		p := newProcess(t, s, Config{KeyFile: file})
		defer p.close()
		p.mustSend()
		write([]byte("-----BEGIN PRIVATE KEY-----\ntorn"))
		time.Sleep(10 * time.Second)
		p.mustSend()
		if problem := p.state().Problem; problem == nil || !strings.Contains(problem.Error(), "PEM") {
			t.Errorf("problem is %v, want what is wrong with the file", problem)
		}
		write(append([]byte("Key-Id: OTHERKEY01\n"), other...))
		time.Sleep(10 * time.Second)
		p.mustSend()
		p.mustSend()
		synctest.Wait()
		if st := s.Stats(); st.Connections != 2 || st.Open != 1 || st.Tokens != 2 || st.Answers["accepted"] != 4 {
			t.Errorf("stats are %+v, want that the first connection has ended", st)
		}
	})
}

// TestExpired: a token that Apple calls too old is replaced and the push repeated once,
// over another connection. When a new one is refused too, it is the clock.
func TestExpired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bubbleFake(t)
		time.Sleep(10 * time.Minute)
		p := newProcess(t, s, Config{Key: s.Key()})
		defer p.close()
		script(t, s, `{"nth":"1","answer":"expired-provider-token"}`)
		before := mustTokenReady(p)
		p.mustSend()
		if after := mustToken(p); after == before {
			t.Error("the token has not changed")
		}
		if st := s.Stats(); st.Connections != 2 || st.Requests != 2 {
			t.Errorf("stats are %+v, want one repeat, over another connection", st)
		}
		script(t, s, `{"answer":"expired-provider-token"}`)
		if a := p.send(); a.Fate != line.Again || !strings.Contains(a.Err.Error(), "clock") {
			t.Errorf("%+v, want again, and the clock", a)
		}
	})
}

func mustTokenReady(p *process) string {
	if err := p.auth.Ready(p.Context()); err != nil {
		p.Fatal(err)
	}
	return mustToken(p)
}

func script(t *testing.T, s *fakeapns.Server, rules string) {
	t.Helper()
	parsed, err := fakeapns.ParseScript([]byte(`{"rules":[` + rules + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetScript(parsed); err != nil {
		t.Fatal(err)
	}
}

// TestConnectionGivenUp: what Apple says of the connection is repeated once over another
// one, with the same token.
func TestConnectionGivenUp(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"too-many-provider-token-updates", "unrelated-key-id-in-token", "shutdown", "idle-timeout"} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := bubbleFake(t)
				p := newProcess(t, s, Config{Key: s.Key()})
				defer p.close()
				p.mustSend()
				script(t, s, `{"nth":"1","answer":"`+answer+`"}`)
				p.mustSend()
				p.mustSend()
				synctest.Wait()
				if st := s.Stats(); st.Connections != 2 || st.Open != 1 || st.Requests != 4 || st.Tokens != 1 {
					t.Errorf("stats are %+v, want one repeat over a second connection, and one token", st)
				}
			})
		})
	}
}
