// Command chaos holds pushworker to its promise: nothing that was confirmed is
// lost, and duplicates are bounded.
//
//	make chaos                                      every scenario, a few minutes
//	make chaos CHAOSARGS='-scenario cut,clock'      some of them
//	make chaos CHAOSARGS='-seed 7'                  the same schedule again
//	make chaos-long CHAOSARGS='-duration 2h'        long faults, round after round
//	make soak CHAOSARGS='-duration 30m'             leaks
//
// It runs at the top of the repository, and builds there what it tests.
//
// A scenario starts real processes, publishes receipts through real sockets, does
// what can happen to processes, networks, disks, clocks and providers, by a
// schedule that the seed makes, and then holds what was confirmed against what
// came out (package ledger), over logs that are kept outside the processes under
// test. It refuses to look inside them. What it cannot do on a machine, it says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	seed      uint64
	scenarios string
	list      bool
	long      bool
	soak      bool
	duration  time.Duration
	parallel  int
	transport string
	output    string
	keep      string
	docs      string
	verbose   bool
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(args)
	if err == nil {
		err = o.run(ctx)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 2
	case err != nil:
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	return 0
}

var errUsage = errors.New("usage")

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.Uint64Var(&o.seed, "seed", 0, "make the schedules of this `number` again; 0 takes a new one")
	flags.StringVar(&o.scenarios, "scenario", "", "run only the scenarios with these `names`, with commas between")
	flags.BoolVar(&o.list, "list", false, "show scenarios and schedules, and run nothing")
	flags.BoolVar(&o.long, "long", false, "faults that last minutes, round after round until -duration is over")
	flags.BoolVar(&o.soak, "soak", false, "look for leaks instead")
	flags.DurationVar(&o.duration, "duration", 0, "`length` of -long (2h) or -soak (30m)")
	flags.IntVar(&o.parallel, "parallel", 3, "run this `number` of scenarios beside each other")
	flags.StringVar(&o.transport, "transport", "auto", "`transport` of the fcm handler: auto (our HTTP/2 client) or net/http")
	flags.StringVar(&o.output, "o", "table", "`form` of the results: table or jsonl")
	flags.StringVar(&o.keep, "keep", "", "leave logs and stores in this `directory`")
	flags.StringVar(&o.docs, "docs", "", "write the results in this JSON Lines `file` into docs/reliability.md, and run nothing")
	flags.BoolVar(&o.verbose, "v", false, "say each fault as it is done")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err //nolint:wrapcheck // the flags have been shown
		}
		return o, fmt.Errorf("%w: %w", errUsage, err)
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("%w: %q is no flag; see -help", errUsage, flags.Arg(0))
	case o.output != "table" && o.output != "jsonl":
		return o, fmt.Errorf("%w: -o is table or jsonl", errUsage)
	case o.transport != "auto" && o.transport != "net/http":
		return o, fmt.Errorf("%w: -transport is auto or net/http", errUsage)
	case o.parallel < 1:
		return o, fmt.Errorf("%w: -parallel is at least 1", errUsage)
	}
	return o, nil
}
