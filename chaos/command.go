package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/process"
)

// command runs pushworker with args, as an operator does, and wants it to end with 0.
func (w *world) command(ctx context.Context, args ...string) error {
	what := strings.Join(args[:2], " ")
	env := append(w.environ(), "PUSHWORKER_NATS_URL="+w.natsURL(w.brokerAddrs()), "PUSHWORKER_REPLICAS="+strconv.Itoa(w.replicas()))
	if w.web() { // which knows no push server of ours without it
		env = append(env, w.handlers())
	}
	p, err := process.Start(ctx, process.Spec{
		Name: strings.Join(args[:2], "-"), Dir: w.dir, Args: append([]string{w.programs.worker}, args...),
		Env: env,
	})
	if err != nil {
		return err
	}
	limit := time.NewTimer(readyWithin)
	defer limit.Stop()
	select {
	case <-p.Exited():
		if code := p.ExitCode(); code != 0 {
			return fmt.Errorf("%s ended with %d; it said: %s", what, code, p.Said())
		}
		return nil
	case <-limit.C:
		p.Kill()
		return fmt.Errorf("%s: not within %v; it said: %s", what, readyWithin, p.Said())
	}
}
