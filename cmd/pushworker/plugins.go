package main

import (
	"io"

	"github.com/pushworker/pushworker/pkg/plugins/stdout"
	"github.com/pushworker/pushworker/pkg/push"
)

// register is the one list of built-in handlers.
func register(r *push.Registry, out io.Writer) {
	r.Register("stdout", stdout.New(out))
}
