package main

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pushworker/pushworker/internal/fakefcm"
)

// startFakeFCM starts a stand-in for FCM, writes a service account for it into the
// file fake.json, and its URL into FAKE.
func startFakeFCM(ts *testscript.TestScript, _ bool, _ []string) {
	fake, err := fakefcm.Start(fakefcm.Options{Addr: "127.0.0.1:0"})
	ts.Check(err)
	ts.Defer(func() { ts.Check(fake.Close()) })
	account, err := fake.ServiceAccount("demo")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("fake.json"), account, 0o600))
	ts.Setenv("FAKE", fake.URL())
	worldOf(ts).fake = fake
}

// scriptFakeFCM has the stand-in follow the rules in a file.
func scriptFakeFCM(ts *testscript.TestScript, _ bool, args []string) {
	script, err := fakefcm.ParseScript([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(worldOf(ts).fake.SetScript(script))
	worldOf(ts).fake.Revoke() // access tokens of before
}
