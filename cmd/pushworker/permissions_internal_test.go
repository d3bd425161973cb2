package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/events"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/cli"
	"github.com/pushworker/pushworker/pkg/publisher"
)

// TestReadersNeedWhatTheBrokerSays: replay and explain work with the lines that
// internal/broker has for them, and not without any one of these.
func TestReadersNeedWhatTheBrokerSays(t *testing.T) {
	t.Parallel()
	for command, args := range map[string][]string{
		"replay":  {"replay", "--to", "-"},
		"explain": {"explain", "--stream-seq", "1", "-o", "jsonl"},
	} {
		allowed := documented(t, command)
		users := []brokertest.User{{Name: "admin", Publish: []string{">"}, Subscribe: []string{">"}}, reader("all", allowed)}
		for i, subject := range allowed {
			users = append(users, reader(subject, slices.Delete(slices.Clone(allowed), i, i+1)))
		}
		url := brokertest.StartWithUsers(t, users...)
		prepare(t, url("admin"))
		for _, u := range users[1:] {
			var out, errs bytes.Buffer
			code := cli.Run(t.Context(), ours(), args, []string{"PUSHWORKER_NATS_URL=" + url(u.Name)}, nil, &out, &errs)
			switch {
			case u.Name == "all" && (code != 0 || !strings.Contains(out.String(), `grpA`)):
				t.Errorf("%s with what it needs: %d, %s%s", command, code, &out, &errs)
			case u.Name != "all" && (code == 0 || !strings.Contains(errs.String(), u.Name)):
				t.Errorf("%s without %s: %d, %s%s", command, u.Name, code, &out, &errs)
			}
		}
	}
}

func reader(name string, publish []string) brokertest.User {
	return brokertest.User{Name: name, Publish: publish, Subscribe: []string{"_INBOX.>"}}
}

// prepare stores a receipt in streams of all kinds.
func prepare(t *testing.T, url string) {
	t.Helper()
	conn, err := broker.Connect(t.Context(), broker.Options{URL: url, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	topo := (*brokertest.Broker)(nil).Topology("stdout")
	if _, err := topology.Provision(t.Context(), conn, topo); err != nil {
		t.Fatal(err)
	}
	if _, err := events.Provision(t.Context(), conn, topo); err != nil {
		t.Fatal(err)
	}
	pub, err := conn.Publisher(publisher.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pub.PublishRaw(t.Context(), []byte(`{"to":{"782riWdFIwE":{}},"payload":{"what":"msg","topic":"grpA"}}`)); err != nil {
		t.Fatal(err)
	}
	if err := pub.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// documented are the subjects that the comment of internal/broker lists for command.
func documented(t *testing.T, command string) []string {
	t.Helper()
	text, err := os.ReadFile("../../internal/broker/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	entry := regexp.MustCompile(`(?m)^//\t` + command + ` .*\n(?://\t {20}.*\n)*`).FindString(string(text))
	entry, _, _ = strings.Cut(strings.Join(strings.Fields(strings.ReplaceAll(entry, "//", "")), " "), ";")
	var all []string
	verb := ""
	for _, word := range regexp.MustCompile(`\$JS\.API\.[A-Z.]+(_[A-Z]+)?|PUSH(_[A-Z]+)?`).FindAllString(entry, -1) {
		switch {
		case strings.HasPrefix(word, "$") && strings.Contains(word, ".PUSH"):
			all = append(all, word)
		case strings.HasPrefix(word, "$"):
			verb = word // "VERB of A, B and C"
		default:
			all = append(all, verb+"."+word)
		}
	}
	if len(all) == 0 {
		t.Fatalf("internal/broker says nothing of %s", command)
	}
	return all
}
