package e2e_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A stranger sees pushes without any account: the chat server's receipts reach the fake.
func TestComposeFake(t *testing.T) {
	t.Parallel()
	c := compose(t)
	chat := c.up("fake-chat", 0)
	if code := chat.exit(); code != 0 {
		t.Fatalf("fake-chat ended with %d:\n%s", code, chat.log())
	}
	await(t, composeWait, "the fake prints the pushes", func() bool {
		out, err := os.ReadFile(c.running["fake-fcm"][0].Out())
		return err == nil && strings.Count(string(out), `"target":"my-token"`) == 3 && strings.Contains(string(out), "See you at eight.")
	})
	c.down("fake-worker")
}

// Several workers share one NATS, and stop within their grace.
func TestComposeDefault(t *testing.T) {
	t.Parallel()
	c := compose(t)
	c.await("pushworker", "service_healthy")
	c.up("pushworker", 1)
	c.publishes("pushworker")
	c.down("pushworker")
}

// The cluster keeps each receipt three times.
func TestComposeCluster(t *testing.T) {
	t.Parallel()
	c := compose(t)
	c.await("cluster-worker", "service_healthy")
	c.publishes("cluster-worker")
	var jsz struct {
		AccountDetails []struct {
			StreamDetail []struct {
				Name   string
				Config struct {
					NumReplicas int `json:"num_replicas"`
				}
				Cluster struct{ Replicas []struct{ Name string } }
			} `json:"stream_detail"`
		} `json:"account_details"`
	}
	answer, err := http.Get("http://" + c.at("nats-1", 0, "8222") + "/jsz?streams=true&config=true&accounts=true")
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, answer.Body)
	if err := json.NewDecoder(answer.Body).Decode(&jsz); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, account := range jsz.AccountDetails {
		for _, stream := range account.StreamDetail {
			seen++
			if stream.Config.NumReplicas != 3 || len(stream.Cluster.Replicas) != 2 {
				t.Errorf("stream %s: %+v", stream.Name, stream)
			}
		}
	}
	if seen < 3 {
		t.Errorf("%d streams", seen)
	}
	c.down("cluster-worker")
}

// publishes publishes the example receipts in the environment of a worker, and waits until a
// handler has printed them.
func (c *composition) publishes(name string) {
	c.t.Helper()
	publish := exec.CommandContext(c.t.Context(), binary, "publish", "../deploy/examples/receipts.jsonl")
	publish.Env = c.environment(c.services[name], c.inside(name, 0, c.dir))
	if out, err := publish.CombinedOutput(); err != nil {
		c.t.Fatalf("publish: %v\n%s", err, out)
	}
	await(c.t, composeWait, "the workers have printed the receipts", func() bool {
		n := 0
		for _, p := range c.running[name] {
			out, err := os.ReadFile(p.Out())
			if err != nil {
				c.t.Fatal(err)
			}
			n += strings.Count(string(out), "grpnG99YhENiQU")
		}
		return n >= 3
	})
}

// down stops the instances of a service, which end in good order.
func (c *composition) down(name string) {
	c.t.Helper()
	for _, p := range c.running[name] {
		if err := p.Signal(syscall.SIGTERM); err != nil {
			c.t.Fatal(err)
		}
		if code := p.exit(); code != 0 {
			c.t.Errorf("%s ended with %d:\n%s", name, code, p.log())
		}
	}
}
