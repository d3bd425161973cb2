package fcm

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"slices"
	"sync"
)

// keyring holds the public keys that check assertions.
type keyring struct {
	mu   sync.Mutex
	keys []*rsa.PublicKey
}

func (k *keyring) add(keys ...*rsa.PublicKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = append(k.keys, keys...)
}

func (k *keyring) all() []*rsa.PublicKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.keys)
}

// serviceAccount is the file that Google hands out for one.
type serviceAccount struct {
	Type         string `json:"type"`
	ProjectID    string `json:"project_id"`
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"`
	ClientEmail  string `json:"client_email"`
	ClientID     string `json:"client_id"`
	AuthURI      string `json:"auth_uri"`
	TokenURI     string `json:"token_uri"`
	ProviderURL  string `json:"auth_provider_x509_cert_url"`
	ClientURL    string `json:"client_x509_cert_url"`
	Universe     string `json:"universe_domain"`
}

// ServiceAccount makes credentials for the project, in the form of the file that
// Google hands out, whose token_uri is this server. From then on the token
// endpoint checks signatures, and this key is one that it knows.
func (s *Server) ServiceAccount(project string) ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make the key of a service account: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode the key of a service account: %w", err)
	}
	sum := sha256.Sum256(der)
	email := "fakefcm@" + project + ".iam.gserviceaccount.com"
	file, err := json.MarshalIndent(serviceAccount{
		Type: "service_account", ProjectID: project, PrivateKeyID: hex.EncodeToString(sum[:20]),
		PrivateKey:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		ClientEmail: email, ClientID: "100000000000000000001",
		AuthURI: "https://accounts.google.com/o/oauth2/auth", TokenURI: s.URL() + "/token",
		ProviderURL: "https://www.googleapis.com/oauth2/v1/certs",
		ClientURL:   "https://www.googleapis.com/robot/v1/metadata/x509/" + url.PathEscape(email),
		Universe:    "googleapis.com",
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode a service account: %w", err)
	}
	s.keys.add(&key.PublicKey)
	return append(file, '\n'), nil
}
