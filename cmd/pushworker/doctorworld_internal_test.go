package main

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pushworker/pushworker/internal/fake"
	fakefcm "github.com/pushworker/pushworker/internal/fake/fcm"
)

// startFakeFCM starts a stand-in for FCM, writes a service account for it into the
// file fake.json, and its URL into FAKE.
func startFakeFCM(ts *testscript.TestScript, _ bool, _ []string) {
	fake, err := fakefcm.Start(fakefcm.Options{Options: fake.Options{Addr: "127.0.0.1:0"}})
	ts.Check(err)
	ts.Defer(func() { ts.Check(fake.Close()) })
	ts.Setenv("FAKE", fake.URL())
	worldOf(ts).fake = fake
	newAccount(ts, false, []string{"fake.json"})
}

// newAccount writes a service account for the stand-in.
func newAccount(ts *testscript.TestScript, _ bool, args []string) {
	account, err := worldOf(ts).fake.ServiceAccount("demo")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), account, 0o600))
}

// scriptFakeFCM has the stand-in follow the rules in a file.
func scriptFakeFCM(ts *testscript.TestScript, _ bool, args []string) {
	script, err := fakefcm.ParseScript([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(worldOf(ts).fake.SetScript(script))
}

// revokeTokens has the stand-in take no access token of before.
func revokeTokens(ts *testscript.TestScript, _ bool, _ []string) { worldOf(ts).fake.Revoke() }
