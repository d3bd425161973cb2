package fcm_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// transport is what the handlers' worlds are built with.
var transport = "auto"

// wired are the names of the tests that have had a fake FCM, to which a transport leads.
var wired sync.Map

// TestMain makes a certificate that this process trusts, because the list of the
// trusted is read once. All tests that have a fake FCM run over both transports.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "fcm")
	if err == nil {
		certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
		err = errors.Join(makeCertificate(), os.Setenv("SSL_CERT_FILE", certFile))
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	if transport = "net/http"; code == 0 && flag.Lookup("test.fuzz").Value.String()+flag.Lookup("test.bench").Value.String() == "" {
		code = runWired(m)
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// runWired runs those tests again that have had a fake.
func runWired(m *testing.M) int {
	var names []string
	wired.Range(func(name, _ any) bool {
		names = append(names, name.(string)) //nolint:forcetypeassert // nothing else is in it
		return true
	})
	run := flag.Lookup("test.run").Value
	_, subtests, _ := strings.Cut(run.String(), "/")
	if err := run.Set("^(" + strings.Join(names, "|") + ")$/" + subtests); err != nil {
		panic(err) // the testing package has the flag
	}
	return m.Run()
}
