// Command bench holds pushworker's lane against a bare loop on the same machine
// and prints the ratios.
//
// The bare loop is what one would write without pushworker: Consume, decode with
// encoding/json, ack. The lane is the whole main path with a handler that does
// nothing. Both read the same stream from the same broker, in processes of their
// own, and their rows alternate round by round, because a machine's speed drifts:
// only ratios of one round mean anything. It refuses to judge: it prints, and a
// person reads.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

// plan is what to measure.
type plan struct {
	receipts, rounds, paced, rate, backlog int
}

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) > 2 && os.Args[1] == "child" {
		return exit(child(ctx, os.Args[2], os.Args[3:]))
	}
	var p plan
	flag.IntVar(&p.receipts, "receipts", 100_000, "receipts per drain")
	flag.IntVar(&p.rounds, "rounds", 5, "rounds; each runs every row once")
	flag.IntVar(&p.paced, "paced", 2_000, "receipts per latency run")
	flag.IntVar(&p.rate, "rate", 500, "receipts per second of the latency runs")
	flag.IntVar(&p.backlog, "backlog", 1_000_000, "backlog of the memory row; 0 leaves it out")
	flag.Parse()
	return exit(p.run(ctx))
}

func exit(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}
