package fake_test

import (
	"net/http"
	"testing"

	"github.com/pushworker/pushworker/internal/fake"
)

// A fake that is given both addresses serves plain HTTP at the one and HTTPS at the other.
func TestTwoAddresses(t *testing.T) {
	t.Parallel()
	s := start(t, fake.Options{TLSAddr: "127.0.0.1:0"})
	push(t, client(t, s), s, "plain")
	if s.CAPEM() == nil {
		t.Fatal("there is no certificate for clients")
	}
	if got, err := do(client(t, s), request(t, http.MethodPost, s.TLSURL()+"/demo", "secure")); err != nil || got.status != http.StatusOK {
		t.Errorf("HTTPS: %+v, %v", got, err)
	}
	if n := s.Stats().Accepted; n != 2 {
		t.Errorf("%d pushes were accepted, want one at each", n)
	}
}
