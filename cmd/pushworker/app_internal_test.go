package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pushworker/pushworker/internal/broker/wire"
)

// testTokens are those of test pushes, as apps find them among the data.
var testTokens = regexp.MustCompile(`"test":"([A-Z2-7]{26})"`)

// returnTokens is an app and its chat server: it waits for the nth test token that a fake
// is sent, returns it, and writes the worker's answer into the file answer.
func returnTokens(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	ctx, cancel := context.WithTimeout(w.tb.Context(), patience)
	defer cancel()
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var found [][][]byte
	for len(found) < n {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+args[0]+"/fake/requests", http.NoBody)
		ts.Check(err)
		answer, err := http.DefaultClient.Do(req)
		ts.Check(err)
		text, err := io.ReadAll(answer.Body)
		ts.Check(err)
		ts.Check(answer.Body.Close())
		found = testTokens.FindAllSubmatch(bytes.ReplaceAll(text, []byte(`\"`), []byte(`"`)), -1)
	}
	m, err := w.conn.NATS().RequestWithContext(ctx, wire.DeviceRequests+"ack", []byte(`{"token":"`+string(found[n-1][1])+`"}`))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), append(m.Data, 0x0a), 0o600))
}
