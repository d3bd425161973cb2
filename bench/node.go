package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server" //nolint:depguard // the embedded broker is no node of a cluster
)

// nodes is how many servers a cluster has, loopback where they listen.
const (
	nodes    = 3
	loopback = "127.0.0.1"
)

// nodeOptions are those of a node child.
type nodeOptions struct {
	Name   string   `json:"name"`
	Dir    string   `json:"dir"`
	Port   int      `json:"port"`
	Route  int      `json:"route"`
	Routes []string `json:"routes"`
	// Sync has each write be on the disk before it is confirmed.
	Sync bool `json:"sync"`
}

// serveNode is one server of a cluster, in a process of its own.
func serveNode(_ context.Context, options []byte) error {
	var o nodeOptions
	if err := json.Unmarshal(options, &o); err != nil {
		return fmt.Errorf("read the options: %w", err)
	}
	routes := make([]*url.URL, len(o.Routes))
	for i, route := range o.Routes {
		routes[i] = &url.URL{Scheme: "nats-route", Host: route}
	}
	s, err := server.NewServer(&server.Options{
		ServerName: o.Name, Host: loopback, Port: o.Port, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: o.Dir, SyncAlways: o.Sync, Routes: routes,
		Cluster: server.ClusterOpts{Name: "bench", Host: loopback, Port: o.Route, NoAdvertise: true},
	})
	if err != nil {
		return fmt.Errorf("make the server: %w", err)
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(time.Minute) {
		return errors.New("the server takes no connections within a minute")
	}
	return serve(reply{URL: s.ClientURL()}, func(question) (reply, error) {
		return reply{}, errors.New("a node has nothing to say")
	})
}

func nodeName(i int) string { return "node" + strconv.Itoa(i) }

// startNodes starts a cluster whose stores are in dir.
func startNodes(ctx context.Context, dir string, always bool) (all []*process, err error) {
	ports, err := freePorts(ctx, 2*nodes)
	if err != nil {
		return nil, err
	}
	var routes []string
	for _, port := range ports[nodes:] {
		routes = append(routes, net.JoinHostPort(loopback, strconv.Itoa(port)))
	}
	for i := range nodes {
		name := nodeName(i)
		p, err := launch(ctx, "node", nodeOptions{
			Name: name, Dir: filepath.Join(dir, name), Port: ports[i], Route: ports[nodes+i], Routes: routes, Sync: always,
		})
		if err != nil {
			return all, err
		}
		all = append(all, p)
	}
	return all, nil
}

// freePorts finds n ports at which nobody listens.
func freePorts(ctx context.Context, n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(loopback, "0"))
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = l.Close() }()        // together, at the end: no port comes twice
		ports[i] = l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // of a listener on TCP
	}
	return ports, nil
}
