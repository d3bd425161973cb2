package explain_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/internal/explain"
	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestTell: from the facts, the fate at a lane, what the sentence says and what it
// admits not to know.
func TestTell(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
	lane := func(delivered, settled uint64, unsettled int) []explain.Lane {
		return []explain.Lane{{Handler: "fcm", Delivered: delivered, Settled: settled, Unsettled: unsettled}}
	}
	event := func(verdict string) outcome.Event {
		return outcome.Event{At: at, Handler: "fcm", Verdict: verdict, Stream: "PUSH", StreamSeq: 7, Attempt: 1}
	}
	letter := deadletter.Letter{Handler: "fcm", Seq: 3, Reason: "permanent", Error: "refused", Stream: "PUSH", StreamSeq: 7, Last: at}
	ack, idle, again, bury := event("ack"), event("ack"), event("redeliver"), event("bury")
	ack.Accepted, idle.Skipped = 2, 1
	again.Error, again.Next = "busy", at.Add(time.Second)
	bury.Reason = "age"
	dry := ack
	dry.DryRun = true
	dryIdle := idle
	dryIdle.DryRun = true
	part := letter
	part.Narrowed = true
	aside := part
	aside.Seq, aside.Reason = 4, "rejected"
	refused := bury
	refused.Reason, refused.Accepted, refused.Rejected = "permanent", 1, 1
	replay, vain := event(outcome.Replay), event(outcome.Replay)
	replay.At, replay.Accepted, vain.At, vain.Skipped = at.Add(3*time.Hour), 1, at.Add(3*time.Hour), 1
	shared := letter
	shared.Handler = ""
	other := ack
	other.StreamSeq = 8
	for name, test := range map[string]struct {
		facts   explain.Facts
		fate    explain.Fate
		says    string
		unknown string
	}{
		"not yet its turn": {explain.Facts{Lanes: lane(4, 4, 0)}, explain.Waiting, "receipts before it: 2", ""},
		"paused":           {explain.Facts{Lanes: []explain.Lane{{Handler: "fcm", Paused: true}}}, explain.Waiting, "lane resume fcm", ""},
		"with a worker":    {explain.Facts{Lanes: lane(9, 6, 3)}, explain.InFlight, "a worker holds it", ""},
		"perhaps":          {explain.Facts{Lanes: lane(9, 6, 1)}, explain.InFlight, "or has just settled it", "which of the two"},
		"handed back":      {explain.Facts{Lanes: lane(9, 6, 1), Events: []outcome.Event{again}}, explain.InFlight, "busy", ""},
		"settled":          {explain.Facts{Lanes: lane(9, 9, 0)}, explain.Settled, "settled by the lane", "PUSHWORKER_EVENTS=all"},
		"just settled":     {explain.Facts{Lanes: lane(9, 9, 0), Asked: at.Add(time.Second)}, explain.Settled, "settled", "ask again"},
		"long settled":     {explain.Facts{Lanes: lane(9, 9, 0), Asked: at.Add(time.Minute)}, explain.Settled, "settled", "PUSHWORKER_EVENTS=all"},
		"nothing recorded": {explain.Facts{Lanes: lane(9, 9, 0), NoEvents: true}, explain.Settled, "settled", "there is no stream of events"},
		"recorded too late": {
			explain.Facts{Lanes: lane(9, 9, 0), EventsSince: at.Add(time.Hour)}, explain.Settled, "settled", "the record begins at 2026-11-25 03:00:00Z",
		},
		"delivered":    {explain.Facts{Lanes: lane(9, 9, 0), Events: []outcome.Event{again, ack}}, explain.Delivered, "2 accepted", ""},
		"another's":    {explain.Facts{Lanes: lane(9, 9, 0), Events: []outcome.Event{other}}, explain.Settled, "settled", "not recorded"},
		"nothing sent": {explain.Facts{Lanes: lane(9, 9, 0), Events: []outcome.Event{idle}}, explain.Unsent, "1 skipped", ""},
		"dry run":      {explain.Facts{Lanes: lane(9, 9, 0), Events: []outcome.Event{dry}}, explain.DryRun, "2 accepted in a dry run, which delivers nothing; remove \"dry_run\"", ""},
		"dry and idle": {explain.Facts{Lanes: lane(9, 9, 0), Events: []outcome.Event{dryIdle}}, explain.Unsent, "1 skipped", ""},
		"expired":      {explain.Facts{Lanes: lane(9, 9, 0), Events: []outcome.Event{event("expire")}}, explain.Expired, "too old", ""},
		"scheduled": {
			explain.Facts{Lanes: lane(9, 9, 0), Events: []outcome.Event{again}, Retries: []explain.Retry{
				{Handler: "fcm", Stream: "PUSH", StreamSeq: 7, Attempts: 1, Error: "busy", Due: at.Add(time.Minute)},
			}},
			explain.Retrying, "tried once, next retry at 2026-11-25 02:01:00Z: busy", "",
		},
		"due, alone": {
			explain.Facts{Lanes: lane(9, 9, 0), Retries: []explain.Retry{{Handler: "fcm", Stream: "PUSH", StreamSeq: 7, Attempts: 2, Alone: true}}},
			explain.Retrying, "its retry is due, and it waits for a worker or a worker holds it, alone", "",
		},
		"dead, and replayed": {
			explain.Facts{Lanes: lane(9, 9, 0), Letters: []deadletter.Letter{letter}, Events: []outcome.Event{again, replay}},
			explain.Replayed, "dead letter 3 at 2026-11-25 02:00:00Z, permanent: refused; replayed by hand at 2026-11-25 05:00:00Z: 1 accepted", "",
		},
		"replayed in vain": {
			explain.Facts{Lanes: lane(9, 9, 0), Events: []outcome.Event{event("expire"), vain}},
			explain.Expired, "replayed by hand at 2026-11-25 05:00:00Z: 1 skipped", "",
		},
		"replayed while it waits": {explain.Facts{Lanes: lane(4, 4, 0), Events: []outcome.Event{replay}}, explain.Replayed, "receipts before it: 2; replayed by hand", ""},
		"dead":                    {explain.Facts{Lanes: lane(9, 9, 0), Letters: []deadletter.Letter{letter}}, explain.Dead, "dead letter 3 at 2026-11-25 02:00:00Z, permanent: refused", ""},
		"dead for all":            {explain.Facts{Lanes: lane(9, 9, 0), Letters: []deadletter.Letter{shared}}, explain.Dead, "dead letter 3", ""},
		"letter is gone":          {explain.Facts{Lanes: lane(9, 9, 0), Events: []outcome.Event{bury}}, explain.Dead, "redriven or dropped", ""},
		"dead in part": {
			explain.Facts{Lanes: lane(9, 9, 0), Letters: []deadletter.Letter{part}, Events: []outcome.Event{ack}},
			explain.Delivered, "dead letter 3 holds a part", "",
		},
		"ended partly as a letter": {
			explain.Facts{Lanes: lane(9, 9, 0), Letters: []deadletter.Letter{part}, Events: []outcome.Event{refused}},
			explain.Dead, "partly a dead letter 3 at 2026-11-25 02:00:00Z, permanent: refused", "",
		},
		"ended in two letters": {
			explain.Facts{Lanes: lane(9, 9, 0), Letters: []deadletter.Letter{part, aside}, Events: []outcome.Event{refused}},
			explain.Dead, "partly a dead letter 3 at 2026-11-25 02:00:00Z, permanent: refused", "",
		},
		"of two letters one is gone": {
			explain.Facts{Lanes: lane(9, 9, 0), Letters: []deadletter.Letter{aside}, Events: []outcome.Event{refused}},
			explain.Dead, "the letter is gone, redriven or dropped; dead letter 4 holds a part", "",
		},
		"older than the lane": {
			explain.Facts{Lanes: []explain.Lane{{Handler: "fcm", Newcomer: true, Created: at.Add(time.Hour), Delivered: 9, Settled: 9}}},
			explain.Skipped, "replay --handler fcm", "",
		},
		"lane is gone": {explain.Facts{Events: []outcome.Event{again}}, explain.Settled, "no longer exists", "whether it was settled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.facts.Receipt = explain.Receipt{Stream: "PUSH", Seq: 7, Published: at}
			s := explain.Tell(test.facts)
			if len(s.Lanes) != 1 {
				t.Fatalf("lanes are %+v", s.Lanes)
			}
			l := s.Lanes[0]
			if l.Handler != "fcm" || l.Fate != test.fate || !strings.Contains(l.Text, test.says) {
				t.Errorf("%s: %q; want %s and %q", l.Fate, l.Text, test.fate, test.says)
			}
			if unknown := strings.Join(l.Unknown, "\n"); (test.unknown == "") != (unknown == "") || !strings.Contains(unknown, test.unknown) {
				t.Errorf("unknown is %q, want %q", unknown, test.unknown)
			}
		})
	}
}

// TestTellOfALetterOnce: a letter that is there is named once, and not as gone.
func TestTellOfALetterOnce(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
	l := explain.Tell(explain.Facts{
		Receipt: explain.Receipt{Stream: "PUSH", Seq: 7},
		Letters: []deadletter.Letter{{Handler: "fcm", Seq: 18, Reason: "permanent", Stream: "PUSH", StreamSeq: 7, Last: at, Narrowed: true}},
		Events: []outcome.Event{{
			At: at.Add(time.Millisecond), Handler: "fcm", Verdict: "bury", Reason: "permanent",
			Stream: "PUSH", StreamSeq: 7, Accepted: 1, Rejected: 1,
		}},
	}).Lanes[0]
	if strings.Count(l.Text, "dead letter") != 1 || !strings.Contains(l.Text, "dead letter 18 ") || l.Letter != 18 || len(l.Steps) != 1 {
		t.Errorf("%+v", l)
	}
}

// TestFateOfOneUser: what others got is nothing to somebody who got nothing.
func TestFateOfOneUser(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
	alice, bob, carol := push.Uid(1000), push.Uid(1001), push.Uid(1002)
	first := outcome.Event{Handler: "fcm", Verdict: "redeliver", Stream: "PUSH", StreamSeq: 7, Accepted: 1, Retried: 1, Targets: []outcome.Target{
		{User: alice.String(), Result: "retried"}, {User: carol.String(), Result: "accepted"},
	}}
	last := outcome.Event{At: at, Handler: "fcm", Verdict: "ack", Stream: "PUSH", StreamSeq: 7, Accepted: 1, Gone: 1, Targets: []outcome.Target{
		{User: alice.String(), Result: "gone"}, {User: bob.String(), Result: "accepted"},
	}}
	cut := last
	cut.Unlisted = 1
	dry := last
	dry.DryRun = true
	for name, test := range map[string]struct {
		user   push.Uid
		events []outcome.Event
		fate   explain.Fate
		says   string
	}{
		"her device is gone":    {alice, []outcome.Event{first, last}, explain.Unsent, "done at 2026-11-25 02:00:00Z without sending to " + alice.UserId() + ": 1 gone"},
		"his got it":            {bob, []outcome.Event{first, last}, explain.Delivered, "delivered to " + bob.UserId() + " at 2026-11-25 02:00:00Z: 1 accepted"},
		"his was checked":       {bob, []outcome.Event{first, dry}, explain.DryRun, "and not delivered to " + bob.UserId() + ", at 2026-11-25 02:00:00Z: 1 accepted in a dry run"},
		"got it at first":       {carol, []outcome.Event{first, last}, explain.Delivered, "1 accepted"},
		"nobody in question":    {0, []outcome.Event{first, last}, explain.Delivered, "1 accepted, 1 gone"},
		"not all of it is told": {alice, []outcome.Event{cut}, explain.Delivered, "1 accepted, 1 gone"},
		"not in the record":     {push.Uid(1003), []outcome.Event{last}, explain.Delivered, "1 accepted, 1 gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := explain.Tell(explain.Facts{Receipt: explain.Receipt{Stream: "PUSH", Seq: 7}, User: test.user, Events: test.events}).Lanes[0]
			if l.Fate != test.fate || !strings.Contains(l.Text, test.says) {
				t.Errorf("%s: %q; want %s and %q", l.Fate, l.Text, test.fate, test.says)
			}
		})
	}
}

// TestTellOfOneUser: another user's devices are counted and not shown.
func TestTellOfOneUser(t *testing.T) {
	t.Parallel()
	alice := push.Uid(1000)
	e := outcome.Event{Handler: "fcm", Verdict: "ack", Stream: "PUSH", StreamSeq: 7, Accepted: 2, Unlisted: 1, Targets: []outcome.Target{
		{User: alice.String(), ID: "phone", Result: "accepted"}, {User: push.Uid(1001).String(), ID: "watch", Result: "accepted"},
	}}
	s := explain.Tell(explain.Facts{Receipt: explain.Receipt{Stream: "PUSH", Seq: 7}, User: alice, Events: []outcome.Event{e}})
	step := s.Lanes[0].Steps[0]
	if len(step.Targets) != 1 || step.Targets[0].ID != "phone" || step.Others != 2 {
		t.Errorf("step is %+v", step)
	}
}

// TestVerdictOfOneUser: what others were refused, or are tried for again, is not the
// fate of who has got it; and what they got is not that of who was refused.
func TestVerdictOfOneUser(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
	alice, bob := push.Uid(1000), push.Uid(1001)
	target := func(u push.Uid, id, result string) outcome.Target {
		return outcome.Target{User: u.String(), ID: id, Provider: "fcm", Result: result}
	}
	event := func(verdict string, users []push.Uid, targets ...outcome.Target) outcome.Event {
		e := outcome.Event{At: at, Handler: "fcm", Verdict: verdict, Reason: "permanent", Stream: "PUSH", StreamSeq: 7, Accepted: 1, Targets: targets}
		for _, u := range users {
			e.Users = append(e.Users, u.String())
		}
		return e
	}
	both := []push.Uid{alice, bob}
	refused := event("bury", both, target(alice, "phone", "accepted"), target(bob, "watch", "rejected"))
	again := event("redeliver", both, target(alice, "phone", "accepted"), target(bob, "watch", "retried"))
	mute := event("bury", both)
	letter := []deadletter.Letter{{Handler: "fcm", Seq: 3, Reason: "permanent", Stream: "PUSH", StreamSeq: 7, Last: at, Narrowed: true}}
	aside := []deadletter.Letter{{Handler: "fcm", Seq: 3, Reason: "rejected", Stream: "PUSH", StreamSeq: 7, Last: at, Narrowed: true}}
	retry := []explain.Retry{{Handler: "fcm", Stream: "PUSH", StreamSeq: 7, Attempts: 1, Due: at.Add(time.Minute)}}
	cut := refused
	cut.Unlisted = 1
	for name, test := range map[string]struct {
		user   push.Uid
		facts  explain.Facts
		fate   explain.Fate
		says   string
		letter uint64
	}{
		"others were refused": {alice, explain.Facts{Letters: letter, Events: []outcome.Event{refused}}, explain.Delivered, "delivered to " + alice.UserId() +
			" at 2026-11-25 02:00:00Z: 1 accepted; dead letter 3 holds what was refused for others", 0},
		"was refused":            {bob, explain.Facts{Letters: letter, Events: []outcome.Event{refused}}, explain.Dead, "dead letter 3", 3},
		"was refused aside":      {bob, explain.Facts{Letters: aside, Events: []outcome.Event{event("ack", both, refused.Targets...)}}, explain.Dead, "partly a dead letter 3", 3},
		"others come again":      {alice, explain.Facts{Retries: retry, Events: []outcome.Event{again}}, explain.Delivered, "1 accepted; it is tried again for others", 0},
		"comes again":            {bob, explain.Facts{Retries: retry, Events: []outcome.Event{again}}, explain.Retrying, "next retry at", 0},
		"others expired":         {alice, explain.Facts{Events: []outcome.Event{again, event("expire", []push.Uid{bob})}}, explain.Delivered, "1 accepted", 0},
		"expired":                {bob, explain.Facts{Events: []outcome.Event{again, event("expire", []push.Uid{bob})}}, explain.Expired, "too old", 0},
		"the end is not told":    {alice, explain.Facts{Letters: letter, Events: []outcome.Event{again, mute}}, explain.Dead, "dead letter 3", 3},
		"not all of it is told":  {alice, explain.Facts{Letters: letter, Events: []outcome.Event{cut}}, explain.Dead, "dead letter 3", 3},
		"nobody in question":     {0, explain.Facts{Letters: letter, Events: []outcome.Event{refused}}, explain.Dead, "dead letter 3", 3},
		"a second device waits":  {alice, explain.Facts{Retries: retry, Events: []outcome.Event{event("redeliver", both, target(alice, "phone", "accepted"), target(alice, "desk", "retried"))}}, explain.Retrying, "next retry at", 0},
		"got it when tried anew": {bob, explain.Facts{Events: []outcome.Event{again, event("ack", []push.Uid{bob}, target(bob, "watch", "accepted"))}}, explain.Delivered, ": 1 accepted", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.facts.User, test.facts.Receipt = test.user, explain.Receipt{Stream: "PUSH", Seq: 7, Published: at}
			l := explain.Tell(test.facts).Lanes[0]
			if l.Fate != test.fate || !strings.Contains(l.Text, test.says) || l.Letter != test.letter {
				t.Errorf("%s: %q, letter %d; want %s, %q and %d", l.Fate, l.Text, l.Letter, test.fate, test.says, test.letter)
			}
		})
	}
}

// TestWhatWentWellAtLast: a brief event says that all of it went well, and not which devices it
// was; what was refused or delayed before, and then sent, is delivered.
func TestWhatWentWellAtLast(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
	alice, bob := push.Uid(1000), push.Uid(1001)
	event := func(after time.Duration, e outcome.Event) outcome.Event {
		e.At, e.Handler, e.Stream, e.StreamSeq = at.Add(after), "fcm", "PUSH", 7
		return e
	}
	phone := func(result string) []outcome.Target {
		return []outcome.Target{{User: alice.String(), ID: "phone", Provider: "fcm", Result: result}}
	}
	both := []string{alice.String(), bob.String()}
	refused := event(0, outcome.Event{Verdict: "bury", Reason: "permanent", Users: both, Accepted: 1, Rejected: 1, Targets: phone("rejected")})
	late := event(0, outcome.Event{Verdict: "redeliver", Users: both, Accepted: 1, Retried: 1, Targets: phone("retried")})
	gone := event(time.Minute, outcome.Event{Verdict: "ack", Users: both[:1], Gone: 1, Targets: phone("gone")})
	brief := event(time.Hour, outcome.Event{Verdict: "ack", Users: both[:1], Accepted: 1})
	others := event(time.Hour, outcome.Event{Verdict: "ack", Users: both[1:], Accepted: 1})
	letters := []deadletter.Letter{{Handler: "fcm", Seq: 4, Reason: "rejected", Stream: "PUSH", StreamSeq: 7, Last: at, Narrowed: true}}
	for name, test := range map[string]struct {
		user    push.Uid
		events  []outcome.Event
		letters []deadletter.Letter
		fate    explain.Fate
		says    string
	}{
		"redriven":                  {alice, []outcome.Event{refused, brief}, nil, explain.Delivered, "delivered at 2026-11-25 03:00:00Z: 1 accepted"},
		"retried":                   {alice, []outcome.Event{late, brief}, nil, explain.Delivered, "delivered at 2026-11-25 03:00:00Z: 1 accepted"},
		"of all":                    {0, []outcome.Event{refused, brief}, nil, explain.Delivered, "1 accepted"},
		"another part is a letter":  {alice, []outcome.Event{refused, brief}, letters, explain.Dead, "partly a dead letter 4"},
		"only others were redriven": {alice, []outcome.Event{gone, others}, nil, explain.Unsent, "without sending to " + alice.UserId() + ": 1 gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := explain.Tell(explain.Facts{Receipt: explain.Receipt{Stream: "PUSH", Seq: 7}, User: test.user, Events: test.events, Letters: test.letters}).Lanes[0]
			if l.Fate != test.fate || !strings.Contains(l.Text, test.says) {
				t.Errorf("%s: %q; want %s and %q", l.Fate, l.Text, test.fate, test.says)
			}
		})
	}
}

// TestTellWhoIsLeftToOthers: of several handlers, each has its own devices, and a
// receipt that is over at one of them was nothing for those who have none of these.
func TestTellWhoIsLeftToOthers(t *testing.T) {
	t.Parallel()
	alice, bob := push.Uid(1000), push.Uid(1001)
	tell := func(user push.Uid, events ...outcome.Event) explain.LaneStory {
		for i := range events {
			events[i].Handler, events[i].Stream, events[i].StreamSeq = "fcm-a", "PUSH", 7
		}
		return explain.Tell(explain.Facts{Receipt: explain.Receipt{Stream: "PUSH", Seq: 7}, User: user, Events: events}).Lanes[0]
	}
	over := outcome.Event{Verdict: "ack", Users: []string{alice.String()}, Untargeted: []string{bob.String()}, Accepted: 1}
	if s := tell(bob, over); s.Fate != explain.Unsent || s.Text != "nothing to do: no device of "+bob.UserId()+" is one that this handler sends it to" {
		t.Errorf("of bob it is said %q, %s", s.Text, s.Fate)
	}
	if s := tell(alice, over); s.Fate != explain.Delivered {
		t.Errorf("of alice it is said %q, %s", s.Text, s.Fate)
	}
	again := outcome.Event{Verdict: "redeliver", Users: []string{bob.String()}, Retried: 1}
	if s := tell(bob, again, over); s.Fate != explain.Delivered { // he had a device here at first
		t.Errorf("of bob, who was to be told, it is said %q, %s", s.Text, s.Fate)
	}
}
