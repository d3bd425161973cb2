package main

import (
	"fmt"
	"net"
	"sync"
)

// ports hands out TCP ports that were free a moment ago, none twice.
type ports struct {
	mu    sync.Mutex
	taken map[int]bool
}

func newPorts() *ports { return &ports{taken: make(map[int]bool)} }

func (p *ports) next() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // listening does not block
		if err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		if !p.taken[port] {
			p.taken[port] = true
			return port, nil
		}
	}
}
