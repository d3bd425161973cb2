package main

import "slices"

// The rooms that are broken.
const (
	lanes    = "./internal/consumer"
	policies = "./internal/retry"
	brokers  = "./internal/broker"
	settings = "./config"
	workers  = "./internal/worker"
	fcm      = "./pkg/plugins/fcm"
	accounts = "./pkg/plugins/internal/serviceaccount"
	tickets  = "./pkg/plugins/internal/credential"
	fanouts  = "./pkg/plugins/internal/fanout"
	posts    = "./pkg/plugins/internal/h2post"
	apns     = "./pkg/plugins/apns"
	hooks    = "./pkg/plugins/webhook"
	huaweis  = "./pkg/plugins/hms"
	webs     = "./pkg/plugins/webpush"
	lines    = "./pkg/plugins/internal/line"
	contents = "./pkg/plugins/internal/content"
	domain   = "./pkg/push"
	importer = "./internal/importer"
	devices  = "./internal/device"
	channels = "./internal/channel"
	traces   = "./internal/tracing"
)

// list returns every mutant.
func list() []mutant {
	all := slices.Concat(settling(), guarding(), ordering())
	all = append(all, slices.Concat(breaking(), stopping(), resting(), supervising())...)
	all = append(all, slices.Concat(starting(), fanning(), finding(), interrupting(), pacing())...)
	all = append(all, retrying()...)
	all = append(all, storing()...)
	all = append(all, filling()...)
	all = append(all, outside()...)
	all = append(all, provider()...)
	all = append(all, lining()...)
	all = append(all, telling()...)
	all = append(all, slices.Concat(posting(), speaking())...)
	all = append(all, webhooks()...)
	all = append(all, apple()...)
	all = append(all, appleConnections()...)
	all = append(all, slices.Concat(appleAnswers(), applePatience())...)
	all = append(all, huawei()...)
	all = append(all, web()...)
	all = append(all, slices.Concat(webMessages(), webFailing(), keepingFailures())...)
	all = append(append(all, topology()...), shards()...)
	all = append(all, trouble()...)
	all = append(all, saying()...)
	all = append(all, letting()...)
	all = append(all, slices.Concat(guards(), requesting(), subscribing())...)
	all = append(all, slices.Concat(logging(), watching(), following(), linking())...)
	all = append(all, weighing()...)
	all = append(all, trying()...)
	all = append(all, slices.Concat(queueing(), filing(), asking(), known(), reaching())...)
	for i := range all {
		all[i].root = "."
	}
	return all
}

// settling breaks the way of a receipt through a lane.
func settling() []mutant {
	return []mutant{
		{
			name: "acknowledged before it was sent", file: "internal/consumer/offer.go",
			old: "if err := l.send(r); err != nil {", now: "_ = d.msg.Ack()\n\tif err := l.send(r); err != nil {",
			pkg: lanes, test: "TestModel",
		},
		{
			name: "heartbeat forgotten", file: "internal/consumer/stop.go",
			old: "in.slots.each(func(d *delivery) { d.heartbeat(now, look) })", now: "in.slots.each(func(d *delivery) { d.beat = now })",
			pkg: lanes, test: "TestHeartbeatsWhileDraining",
		},
		{
			name: "heartbeats end when the lane drains", file: "internal/consumer/lane.go",
			old: "err := l.pullAll(ctx, stop)\n", now: "err := l.pullAll(ctx, stop)\n\tstopBeating()\n",
			pkg: lanes, test: "TestHeartbeatsWhileDraining",
		},
		{
			name: "drop counted as an attempt", file: "internal/consumer/delivery.go",
			old: "d.redeliver(retry.HandBack(rand.Float64()), why)", now: "back := retry.HandBack(rand.Float64())\n\tback.Counted = true\n\td.redeliver(back, why)",
			pkg: lanes, test: "TestDropOnBlock",
		},
		{
			name: "acknowledged before the retry is stored", file: "internal/consumer/doors.go",
			old: "r, remain := d.retry(decision, why)\n\tstored :=", now: "_ = d.msg.Ack()\n\tr, remain := d.retry(decision, why)\n\tstored :=",
			pkg: lanes, test: "TestModel",
		},
		{
			name: "dead letter not awaited", file: "internal/consumer/doors.go",
			old: "if d.write(d.letter(reason, why, attempts)) != nil {", now: "go d.write(d.letter(reason, why, attempts))\n\tif false {",
			pkg: lanes, test: "TestStoresRefuse",
		},
		{
			name: "malformed receipt without a letter", file: "internal/consumer/intake.go",
			old: "d.bury(reasonOf(err), err)", now: "d.ack(retry.Ack, err, d.taken)",
			pkg: lanes, test: "TestModel",
		},
		{
			name: "receipt not narrowed to what remains", file: "internal/consumer/doors.go",
			old: "r.Data, r.Origin.Narrowed = rest, true", now: "_, r.Origin.Narrowed = rest, true",
			pkg: lanes, test: "TestModel",
		},
		{
			name: "no letter for refused targets when others remain", file: "internal/consumer/letters.go",
			old: "if refused == nil {", now: "if refused != nil {",
			pkg: lanes, test: "TestModel",
		},
	}
}

// guarding breaks what a lane does beside: it recognises, hands back, stops.
func guarding() []mutant {
	return []mutant{
		{
			name: "letter for what was delivered", file: "internal/consumer/letters.go",
			old: "letter.Data, letter.Narrowed = rest, true", now: "_, letter.Narrowed = rest, true",
			pkg: lanes, test: "TestModel",
		},
		{
			name: "table of settled messages not used", file: "internal/consumer/pull.go",
			old: "switch in.settled.begin(o.Seq, o.Stored) {", now: "switch unseen {",
			pkg: lanes, test: "TestRepeats",
		},
		{
			name: "stop without hand-back", file: "internal/consumer/stop.go",
			old: "if d.handBack(push.ErrNotStarted) {\n\t\t\t\tleft++", now: "if d.leaving.CompareAndSwap(false, true) {\n\t\t\t\tleft++",
			pkg: lanes, test: "TestHungHandler",
		},
		{
			name: "expired receipt sent", file: "internal/consumer/offer.go",
			old: "if !d.expires.IsZero() && !d.due.Before(d.expires) {", now: "if !d.expires.IsZero() && d.expires.IsZero() {",
			pkg: lanes, test: "TestExpiredIsNotSent",
		},
		{
			name: "suspects never quarantined", file: "internal/consumer/intake.go",
			old: "return !in.quarantine(d) && in.try(d)", now: "return in.try(d)",
			pkg: lanes, test: "TestCrashLoop",
		},
		{
			name: "hand-backs taken for crashes", file: "internal/consumer/suspects.go",
			old: "return d.lane.reports && d.origin.Deliveries >= crashesToQuarantine", now: "return false",
			pkg: lanes, test: "TestHandBacksAreNoCrashes",
		},
	}
}

// ordering breaks what a lane knows of time: expiry, clocks, order, what was read.
func ordering() []mutant {
	return []mutant{
		{
			name: "publisher's expiry ignored without a TTL", file: "pkg/push/stale.go",
			old: "	if ttl <= 0 || event.IsZero() {\n		return expires", now: "	if ttl <= 0 || event.IsZero() {\n		return time.Time{}",
			pkg: lanes, test: "TestPushExpiresCountsForEveryHandler",
		},
		{
			name: "wrong clock of a chat server believed", file: "pkg/push/stale.go",
			old: "|| r.Skew() != 0) {", now: "|| r.Skew() > r.Skew()) {",
			pkg: lanes, test: "TestWrongClockLosesNothing",
		},
		{
			name: "what was read told all the same", file: "internal/consumer/news.go",
			old: "Payload.SeqId <= m.value &&", now: "Payload.SeqId < 0 &&",
			pkg: lanes, test: "TestModel",
		},
		{
			name: "older badge after a newer", file: "internal/consumer/news.go",
			old: "case newest.value != to.Unread:", now: "case newest.value < to.Unread:",
			pkg: lanes, test: "TestModel",
		},
		{
			name: "requests that overlap lose the order", file: "internal/broker/queue/request.go",
			old: "nc.ChanSubscribe(nc.NewInbox(), arrived)", now: "nc.Subscribe(nc.NewInbox(), func(m *nats.Msg) { arrived <- m })",
			pkg: brokers + "/queue", test: "TestOverlappingRequestsKeepTheOrder",
		},
		{
			name: "requests overlap for more than there are slots", file: "internal/consumer/pull.go",
			old: "n = min(n, len(p.reserved)-left)", now: "_ = min(n, len(p.reserved)-left)",
			pkg: lanes, test: "TestRequestsOverlap",
		},
		{
			name: "requests do not overlap", file: "internal/consumer/pull.go",
			old: "p.next, p.size, p.ended = n, bytes/2, ctx.Err", now: "p.next, p.size, p.ended = 0, bytes/2, ctx.Err",
			pkg: lanes, test: "TestRequestsOverlap",
		},
		{
			name: "receipts do not wait for their turn", file: "internal/consumer/order.go",
			old: "if d.turn.after == 0 {\n		return true", now: "if d.turn.after >= 0 {\n		return true",
			pkg: lanes, test: "TestOrder",
		},
		{
			name: "busy conversation takes all slots", file: "internal/consumer/order.go",
			old: "if o.waiting.Len() > o.room {", now: "if o.waiting.Len() > 1<<20 {",
			pkg: lanes, test: "TestBusyTopicStopsNobody",
		},
	}
}
