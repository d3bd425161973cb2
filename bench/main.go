// Command bench holds pushworker against bare loops on the same machine, round by
// round, and prints what it measured.
//
// Every row is a process of its own that lives as long as its group: the worker,
// complete and in its default configuration, and beside it loops as one would write
// them without pushworker (Consume, decode, send, ack). All read the same stored
// receipts, each through a durable of its own; the durables of the rows that are
// not being measured are paused, so their processes idle. Rows alternate round by
// round, because a machine's speed drifts: ratios of one round mean something,
// numbers of two rounds do not.
//
// The command refuses to judge: it prints, and a person reads. What is lost at its
// border: clients, broker and provider share one machine, so a rate is that of the
// whole machine; CPU per push is what travels to others.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 4 && os.Args[1] == "child" {
		return exit(child(ctx, os.Args[2], os.Args[3]))
	}
	p, err := parseFlags()
	if err != nil {
		return exit(err)
	}
	if p.plotOnly != "" {
		return exit(p.render(p.plotOnly))
	}
	return exit(p.run(ctx))
}

func exit(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// plan is what to measure, and where the results go.
type plan struct {
	only     []string
	rounds   int
	receipts int  // per drain of the null rows
	pushes   int  // per drain of the FCM rows
	paced    int  // per latency row
	rate     int  // of the latency rows, per second
	half     int  // of the rows at half load, per second
	full     bool // the sizes that take minutes, too

	held bool // lanes of two builds to their own rate

	output, save, png, docs, plotOnly, profile, old string
}

func parseFlags() (plan, error) {
	var p plan
	only := flag.String("only", strings.Join(groupNames(), ","), "groups to run")
	flag.IntVar(&p.rounds, "rounds", 3, "rounds; each runs every row once")
	flag.IntVar(&p.receipts, "receipts", 100_000, "receipts per drain without a provider")
	flag.IntVar(&p.pushes, "pushes", 40_000, "pushes per drain with a provider")
	flag.IntVar(&p.paced, "paced", 2_500, "receipts per latency row")
	flag.IntVar(&p.rate, "rate", 500, "receipts per second of the latency rows")
	flag.IntVar(&p.half, "half", 3_000, "receipts per second of the rows at half load")
	flag.BoolVar(&p.full, "full", false, "add what takes minutes: a million devices, a backlog of a million pushes")
	flag.StringVar(&p.output, "o", "table", "what goes to stdout: table or jsonl")
	flag.StringVar(&p.save, "save", "", "also write the results as JSON lines to this file")
	flag.StringVar(&p.png, "png", "", "draw the results into this file")
	flag.StringVar(&p.docs, "docs", "", "put the tables between the markers of this Markdown file")
	flag.StringVar(&p.plotOnly, "plot", "", "measure nothing: make the table, -png and -docs of this file of results")
	flag.StringVar(&p.profile, "profile", "", "write CPU profiles of the lanes and their loops into this directory")
	flag.StringVar(&p.old, "old", "", "in the groups fcm, apns, webpush and traces, hold the lane against that of another build of this command, besides the loops; both start at once")
	flag.BoolVar(&p.held, "held", false, "with -old, keep both FCM lanes to the rate that is their default")
	flag.Parse()
	p.only = strings.Split(*only, ",")
	for _, name := range p.only {
		if !slices.Contains(groupNames(), name) {
			return p, fmt.Errorf("no group %q: there are %s", name, strings.Join(groupNames(), ", "))
		}
	}
	if p.output != "table" && p.output != "jsonl" {
		return p, fmt.Errorf("-o is %q: want table or jsonl", p.output)
	}
	return p, nil
}

// group is a set of rows that are held against each other.
type group struct {
	name string
	run  func(context.Context, plan, *log) error
}

func groups() []group {
	return []group{
		{"null", runNull},
		{"fcm", runFCM},
		{"apns", runAPNs},
		{"webpush", runWebpush},
		{"beside", runBeside},
		{"growth", runGrowth},
		{"recipients", runRecipients},
		{"backlog", runBacklog},
		{"history", runHistory},
		{"devices", runDevices},
		{"idle", runIdle},
		{"directory", runDirectory},
		{"shards", runShards},
		{"traces", runTraces},
	}
}

func groupNames() []string {
	var names []string
	for _, g := range groups() {
		names = append(names, g.name)
	}
	return names
}

// run measures, saves each row as it ends, and shows everything at the end.
func (p plan) run(ctx context.Context) error {
	results, err := newLog(p.save, p.output == "jsonl")
	if err != nil {
		return err
	}
	defer results.close()
	if err := results.add(thisMachine()); err != nil {
		return err
	}
	for _, g := range groups() {
		if !slices.Contains(p.only, g.name) {
			continue
		}
		if err := g.run(ctx, p, results); err != nil {
			return fmt.Errorf("group %s: %w", g.name, err)
		}
	}
	return p.show(results.records)
}
