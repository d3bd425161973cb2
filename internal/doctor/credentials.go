package doctor

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"time"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/pkg/push"
)

// soon is how long before their end certificates and credentials are warned of.
const soon = 14 * 24 * time.Hour

// Credentials looks at the files with which this machine shows who it is.
func Credentials(c *config.Config) Group {
	return Group{"credentials", func(context.Context) []push.Finding {
		var found []push.Finding
		if c.NATS.CredsFile != "" {
			found = append(found, creds(c.NATS.CredsFile))
		}
		for _, pair := range [][3]string{
			{"PUSHWORKER_NATS_CERT_FILE", c.NATS.CertFile, c.NATS.KeyFile},
			{"PUSHWORKER_EMBEDDED_CERT_FILE", c.Embedded.CertFile, c.Embedded.KeyFile},
		} {
			if pair[1] != "" {
				found = append(found, certificate(pair[0], pair[1], pair[2]))
			}
		}
		return found
	}}
}

// creds looks at the JWT in a credentials file, as nsc writes it.
func creds(path string) push.Finding {
	const check = "PUSHWORKER_NATS_CREDS_FILE"
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return fail(check, "cannot be read", "make it readable for this process")
	}
	_, after, _ := strings.Cut(string(text), "-----BEGIN NATS USER JWT-----")
	jwt, _, whole := strings.Cut(after, "------END NATS USER JWT------")
	parts := strings.Split(strings.TrimSpace(jwt), ".")
	var claims struct {
		Expires int64 `json:"exp"`
	}
	if whole && len(parts) == 3 {
		var body []byte
		if body, err = base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			err = json.Unmarshal(body, &claims)
		}
	}
	switch {
	case !whole || len(parts) != 3 || err != nil:
		return fail(check, "holds no user JWT", "write a new file with `nsc generate creds`")
	case claims.Expires == 0:
		return ok(check, "the user's JWT does not expire")
	}
	return expiry(check, "the user's JWT", time.Unix(claims.Expires, 0))
}

func certificate(check, certFile, keyFile string) push.Finding {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return fail(check, "certificate and key cannot be used: "+err.Error(), "use PEM files that belong together")
	}
	return expiry(check, "the certificate", pair.Leaf.NotAfter)
}

// expiry judges the end of something.
func expiry(check, what string, end time.Time) push.Finding {
	left := time.Until(end)
	text := what + " is good until " + end.UTC().Format("2006-01-02 15:04Z")
	switch {
	case left <= 0:
		return fail(check, what+" has expired on "+end.UTC().Format("2006-01-02 15:04Z"), "renew it")
	case left < soon:
		return warn(check, text, "renew it")
	}
	return ok(check, text)
}
