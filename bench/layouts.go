package main

import (
	"fmt"
	"slices"
	"strings"
)

func isPaced(r record) bool { return r.Paced > 0 }

func writeNull(b *strings.Builder, rows []record) {
	b.WriteString("Receipts of about 500 bytes; the handler counts and does nothing else. Cells are min / **median** / max of the rounds.\n\n")
	paced, drains := split(rows, isPaced)
	write(b, drains, slices.Concat([]column{rateColumn()}, cpuColumns(), []column{rssColumn()}))
	compare(b, drains, paced, "null loop")
	if len(paced) > 0 {
		fmt.Fprintf(b, "\nPublish to handled, at %d/s:\n\n", paced[0].Paced)
		write(b, paced, latencyColumns())
	}
}

func writeFCM(b *strings.Builder, rows []record) {
	b.WriteString("Receipts of about 500 bytes with one recipient. The lane runs the handler's default configuration and has passed its slow start. " +
		"The loops have 8 connections and 720 requests in flight; the lane has as many, and up to twice as many when answers take long. CPU is per push.\n")
	writeLatencies(b, rows, sdkLoop, rawLoop)
}

func writeAPNs(b *strings.Builder, rows []record) {
	b.WriteString("The same receipts for devices of Apple's. The lane runs the handler's default configuration, which has no rate and no slow start. " +
		"The loops have 720 requests in flight, and the tuned one as many connections as those need (8); the lane has as many, and up to twice as many when answers take long. CPU is per push.\n")
	writeLatencies(b, rows, apnsLoop, tunedLoop)
}

func writeWebpush(b *strings.Builder, rows []record) {
	b.WriteString("The same receipts for browsers. The lane runs the handler's default configuration, which has no rate and no slow start; " +
		"the loop has as many connections (12) and requests in flight (1,024). CPU is per push.\n")
	floors, rows := split(rows, func(r record) bool { return r.Row == floorRow })
	writeLatencies(b, rows, webpushLoop)
	if len(floors) == 0 {
		return
	}
	cpu := func(r record) float64 { return r.CPU }
	floor := median(values(floors, cpu))
	fmt.Fprintf(b, "\nThe floor: to encrypt a message, and nothing else, takes the lane **%.1f µs** of CPU", floor)
	_, drains := split(named(rows, "lane"), isPaced)
	fmt.Fprintf(b, ", %.0f %% of what it takes for a push.\n", 100*floor/median(values(drains, cpu)))
}

// writeLatencies writes the rows at each latency of the provider, and the ratios of the
// lane to loops.
func writeLatencies(b *strings.Builder, rows []record, loops ...string) {
	for _, latency := range latencies(rows) {
		at, _ := split(rows, func(r record) bool { return r.Latency == latency })
		paced, drains := split(at, isPaced)
		fmt.Fprintf(b, "\nThe provider takes %.0f ms:\n\n", latency)
		write(b, drains, slices.Concat([]column{rateColumn()}, cpuColumns(), []column{fakeColumn(), rssColumn()}, connectionColumns()))
		compare(b, drains, paced, loops...)
		if len(paced) > 0 {
			fmt.Fprintf(b, "\nPublish to accepted, at %d/s:\n\n", paced[0].Paced)
			write(b, paced, latencyColumns())
		}
	}
}

func latencies(rows []record) []float64 {
	x := values(rows, func(r record) float64 { return r.Latency })
	slices.Sort(x)
	return slices.Compact(x)
}

// compare writes the ratios of the lane to loops, paired by round.
func compare(b *strings.Builder, drains, paced []record, loops ...string) {
	b.WriteString("\n")
	if slices.Contains(names(drains), otherBuild) {
		loops = append([]string{otherBuild}, loops...)
	}
	for _, loop := range loops {
		fmt.Fprintf(b, "Lane to %s, median of the rounds: rate × **%.2f**, CPU × **%.2f**", loop,
			paired(drains, "lane", loop, func(r record) float64 { return r.Rate }, ratio),
			paired(drains, "lane", loop, func(r record) float64 { return r.CPU }, ratio))
		if len(paced) > 0 {
			fmt.Fprintf(b, ", p99 **%+.2f ms**", paired(paced, "lane", loop, func(r record) float64 { return r.P99 }, difference))
		}
		b.WriteString(".  \n")
	}
}

func writeBeside(b *strings.Builder, rows []record) {
	fmt.Fprintf(b, "The FCM lane at %d pushes/s, provider 0 ms, in one process with two other lanes: both idle, one whose provider is down (503), one whose handler takes nothing.\n\n", rows[0].Paced)
	write(b, rows, append(latencyColumns(), cpuColumns()...))
	b.WriteString("\n")
	for _, name := range names(rows)[1:] {
		fmt.Fprintf(b, "p99 %s to alone, median of the rounds: × **%.2f**.  \n", name,
			paired(rows, name, "alone", func(r record) float64 { return r.P99 }, ratio))
	}
}

func writeGrowth(b *strings.Builder, rows []record) {
	fmt.Fprintf(b, "Worker processes that share the lane's durable; the provider takes %.0f ms, so that one worker is bound by its 1,440 requests in flight to %.0f pushes/s, and several by the machine.\n\n",
		rows[0].Latency, 1440e3/rows[0].Latency)
	write(b, rows, slices.Concat([]column{rateColumn()}, cpuColumns(), []column{fakeColumn(), rssColumn()}, connectionColumns()))
}

func writeRecipients(b *strings.Builder, rows []record) {
	b.WriteString("The same number of pushes in fewer receipts; the provider takes 0 ms.\n\n")
	write(b, rows, slices.Concat([]column{rateColumn()}, cpuColumns(), []column{fakeColumn(), rssColumn()}, connectionColumns()[1:]))
}

func writeBacklog(b *strings.Builder, rows []record) {
	b.WriteString("A backlog is drained by one worker; \"lane\" has no provider.\n\n")
	write(b, rows, slices.Concat([]column{rateColumn()}, cpuColumns(), []column{rssColumn(), brokerRSSColumn()}))
}

func brokerRSSColumn() column {
	return column0("broker peak MiB", func(r record) float64 { return r.BrokerRSS })
}

func writeHistory(b *strings.Builder, rows []record) {
	fmt.Fprintf(b, "A lane without a provider drains receipts that come after a history of %s an hour.\n\n", count(perHour))
	write(b, rows, slices.Concat([]column{
		column0("receipts before", func(r record) float64 { return float64(r.Size) }),
		{"find the newest, ms", "%.2f", func(r record) float64 { return r.Find }},
		rateColumn(),
	}, cpuColumns(), []column{rssColumn(), brokerRSSColumn()}))
}

func writeDevices(b *strings.Builder, rows []record) {
	fmt.Fprintf(b, "Users with one device each, registered one by one, 64 at a time. Receipts go to all of them in turn, so that the lane has to read each user, and, in the same rounds, to %s of them, whom it knows. "+
		"\"First reads\" are the drain before the rounds, when the broker has read nothing of the devices since they were registered (with `-full` for %s). No rate holds the lane; the provider takes 0 ms.\n\n", count(usedUsers), devicesRest)
	write(b, rows, slices.Concat([]column{column0("registered/s", func(r record) float64 { return r.Register }), rateColumn()},
		cpuColumns(), []column{rssColumn(), brokerRSSColumn()}, connectionColumns()[1:]))
	b.WriteString("\n")
	for _, name := range names(rows) {
		known := named(rows, knownRow(named(rows, name)[0].Size))
		if len(known) == 0 || known[0].Row == name {
			continue
		}
		to := func(value func(record) float64) float64 { return paired(rows, name, known[0].Row, value, ratio) }
		fmt.Fprintf(b, "\"%s\" to \"%s\", median of the rounds: rate × **%.2f**, CPU × **%.2f**, with the broker's and the provider's × **%.2f**.  \n", name, known[0].Row,
			to(func(r record) float64 { return r.Rate }), to(func(r record) float64 { return r.CPU }),
			to(func(r record) float64 { return r.CPU + r.BrokerCPU + r.FakeCPU }))
	}
}
