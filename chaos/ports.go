package main

import (
	"net"
	"strconv"
	"sync"

	"github.com/pushworker/pushworker/internal/blackbox/address"
)

// ports hands out TCP ports that nobody else takes while this program runs, none twice.
type ports struct {
	mu     sync.Mutex
	claims []func()
}

func newPorts() *ports { return &ports{} }

func (p *ports) next() (int, error) {
	addr, release, err := address.Free()
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	p.claims = append(p.claims, release)
	p.mu.Unlock()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}
