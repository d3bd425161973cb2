package brokertest

import (
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/pushworker/pushworker/internal/blackbox/address"
)

// Cluster is several servers for one test.
type Cluster struct {
	options []*server.Options
	servers []*server.Server
}

// StartCluster runs n servers that form one cluster, and has a leader, until the test ends.
func StartCluster(tb testing.TB, n int) *Cluster {
	tb.Helper()
	c := NewCluster(tb, n, n)
	for i := range n {
		c.StartNode(tb, i)
	}
	c.Leader(tb)
	return c
}

// NewCluster is StartCluster whose servers are still to be started, one by one. They know
// the addresses of the first seeds, and count no others before those have joined.
func NewCluster(tb testing.TB, n, seeds int) *Cluster {
	tb.Helper()
	c := &Cluster{options: make([]*server.Options, n), servers: make([]*server.Server, n)}
	dir, routes := tb.TempDir(), make([]*url.URL, n)
	ports := freePorts(tb, 2*n)
	for i := range n {
		routes[i] = &url.URL{Scheme: "nats-route", Host: loopback(ports[n+i])}
	}
	for i := range n {
		name := "node" + strconv.Itoa(i)
		c.options[i] = &server.Options{
			ServerName: name, Host: "127.0.0.1", Port: ports[i], NoLog: true, NoSigs: true,
			JetStream: true, StoreDir: filepath.Join(dir, name), Routes: routes[:seeds],
			Cluster: server.ClusterOpts{Name: tb.Name(), Host: "127.0.0.1", Port: ports[n+i], NoAdvertise: true},
		}
		tb.Cleanup(func() { c.StopNode(i) })
	}
	return c
}

// URL is where clients of node i connect.
func (c *Cluster) URL(i int) string {
	return "nats://" + loopback(c.options[i].Port)
}

// StopNode stops node i in good order; its store stays.
func (c *Cluster) StopNode(i int) {
	if c.servers[i] != nil {
		c.servers[i].Shutdown()
		c.servers[i].WaitForShutdown()
		o := c.options[i]
		address.Vacated(loopback(o.Port), loopback(o.Cluster.Port))
		c.servers[i] = nil
	}
}

// StartNode starts node i on its store.
func (c *Cluster) StartNode(tb testing.TB, i int) {
	tb.Helper()
	s, err := server.NewServer(c.options[i].Clone())
	if err != nil {
		tb.Fatal(err)
	}
	c.servers[i] = s
	s.Start()
	if !s.ReadyForConnections(Deadline) {
		tb.Fatalf("node %d does not take connections", i)
	}
}

// Leader waits until a leader knows all nodes, and returns its number.
func (c *Cluster) Leader(tb testing.TB) int {
	tb.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for start := time.Now(); time.Since(start) < Deadline; <-tick.C {
		for i, s := range c.servers {
			if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == len(c.servers) {
				return i
			}
		}
	}
	tb.Fatal("the cluster finds no leader that knows all nodes")
	return 0
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// freePorts are n loopback ports that nobody else takes before the test has ended.
func freePorts(tb testing.TB, n int) []int {
	tb.Helper()
	ports := make([]int, n)
	for i := range ports {
		_, port, err := net.SplitHostPort(address.For(tb))
		if err == nil {
			ports[i], err = strconv.Atoi(port)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	return ports
}
