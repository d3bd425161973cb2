package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/ledger"
	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/sleep"
)

// maxLine is the longest line of a log.
const maxLine = 1 << 20

// settled waits until no lane has anything left to do, twice in a row, since
// a receipt may pass from one count to another between two looks.
func (w *world) settled(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	last := "no broker answers"
	for idle := 0; idle < 2; {
		stats, err := status.NewReader(w.conn).Stats(ctx, w.streams())
		switch {
		case err != nil:
			idle = 0
		case busy(stats):
			idle, last = 0, fmt.Sprintf("%+v", stats.Lanes)
		default:
			idle++
		}
		if sleep.For(ctx, 250*time.Millisecond) != nil {
			return fmt.Errorf("receipts are not settled %v after the load: %s", limit, last)
		}
	}
	return nil
}

// resumeWithin is how long after the last receipt an idle worker may take to notice
// that its provider is back.
const resumeWithin = 15 * time.Second

// resumed waits until no lane of any worker is stopped, whether it has got a receipt
// since or not.
func (w *world) resumed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, resumeWithin)
	defer cancel()
	for _, s := range w.workers {
		for {
			why := stopped(ctx, s)
			if why == nil {
				break
			}
			if sleep.For(ctx, 250*time.Millisecond) != nil {
				return fmt.Errorf("%s has nothing to do and does not resume: %w", s.name, why)
			}
		}
	}
	return nil
}

// stopped says which lane of a worker does not pull, and why; nil if all do.
func stopped(ctx context.Context, s *service) error {
	text, err := call(ctx, http.MethodGet, strings.TrimSuffix(s.url(), "readyz")+"status", "")
	if err != nil {
		return err
	}
	var status struct {
		Lanes []struct {
			Handler string `json:"handler"`
			Open    bool   `json:"breaker_open"`
			Why     string `json:"breaker_error"`
			Waiting string `json:"waiting"`
		} `json:"lanes"`
	}
	if err := json.Unmarshal(text, &status); err != nil {
		return fmt.Errorf("read the status: %w", err)
	}
	for _, l := range status.Lanes {
		if l.Open || l.Waiting != "" {
			return fmt.Errorf("lane %s: %s%s", l.Handler, l.Why, l.Waiting)
		}
	}
	return nil
}

func busy(s status.Stats) bool {
	for _, l := range s.Lanes {
		if l.Pending > 0 || l.InFlight > 0 || l.RetriesWaiting > 0 {
			return true
		}
	}
	return len(s.Lanes) != lanes
}

// letters counts the dead letters by lane and receipt. One that belongs to no lane
// is in both.
func (w *world) letters(ctx context.Context) (map[string]map[int]int, error) {
	found := map[string]map[int]int{"stdout": {}, w.provider: {}}
	for letter, err := range letters.New(w.conn, w.streams()).List(ctx, letters.Filter{}) {
		if err != nil {
			return nil, fmt.Errorf("read the dead letters: %w", err)
		}
		var r receipt
		_ = json.Unmarshal(letter.Data, &r) // what is no receipt has the number 0, which is unexpected
		for lane := range found {
			if letter.Handler == lane || letter.Handler == "" {
				found[lane][r.Payload.Seq]++
			}
		}
	}
	return found, nil
}

// receipt is what a check reads of one.
type receipt struct {
	Payload struct {
		Seq int `json:"seq"`
	} `json:"payload"`
}

// printed reads what the workers have printed: a receipt on each line. What a
// killed process has not ended with a newline was not printed.
func (w *world) printed() ([]ledger.Arrival, error) {
	var all []ledger.Arrival
	for _, s := range w.workers {
		for _, p := range s.processes() {
			err := lines(p.Out(), func(line []byte) {
				var r receipt
				_ = json.Unmarshal(line, &r) // what is no receipt has the number 0, which is unexpected
				all = append(all, ledger.Arrival{Seq: r.Payload.Seq})
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// providerLine is a line of the provider's log.
type providerLine struct {
	Time     time.Time `json:"time"`
	Conn     uint64    `json:"conn"`
	Answer   string    `json:"answer"`
	Accepted bool      `json:"accepted"`
	// Target, Header and Body.Seq are what APNs has got.
	Target string            `json:"target"`
	Header map[string]string `json:"header"`
	Body   struct {
		Seq string `json:"seq"`
		// Notification is what a browser has got.
		Notification struct {
			Data map[string]string `json:"data"`
		} `json:"notification"`
		Message struct {
			Token   string            `json:"token"`
			Data    map[string]string `json:"data"`
			Android struct {
				CollapseKey string `json:"collapse_key"`
			} `json:"android"`
		} `json:"message"`
	} `json:"body"`
}

// pushed reads what the provider has accepted, and when it was called at all.
func (w *world) pushed() (accepted []ledger.Arrival, calls []time.Time, err error) {
	err = lines(w.fake.Out(), func(line []byte) {
		var l providerLine
		_ = json.Unmarshal(line, &l) // what cannot be read has the number 0, which is unexpected
		calls = append(calls, l.Time)
		if !l.Accepted && !l.Time.IsZero() {
			return
		}
		accepted = append(accepted, w.arrival(&l))
	})
	return accepted, calls, err
}

// arrival is the push of a line.
func (w *world) arrival(l *providerLine) ledger.Arrival {
	switch {
	case w.apple():
		seq, _ := strconv.Atoi(l.Body.Seq)
		return ledger.Arrival{Seq: seq, User: appleUser(l.Target), Collapse: l.Header["apns-collapse-id"]}
	case w.web():
		seq, _ := strconv.Atoi(l.Body.Notification.Data["seq"])
		return ledger.Arrival{Seq: seq, User: webUser(l.Target), Collapse: l.Header["topic"]}
	}
	m := l.Body.Message
	seq, _ := strconv.Atoi(m.Data["seq"])
	user, _ := strconv.ParseUint(strings.TrimPrefix(m.Token, tokenPrefix), 10, 64)
	return ledger.Arrival{Seq: seq, User: user, Collapse: m.Android.CollapseKey}
}

// lines calls each with every whole line of a file.
func lines(file string, each func(line []byte)) error {
	text, err := os.ReadFile(file) //nolint:gosec // our own file
	if err != nil {
		return fmt.Errorf("read the evidence: %w", err)
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	scanner := bufio.NewScanner(bytes.NewReader(text))
	scanner.Buffer(nil, maxLine)
	for scanner.Scan() {
		each(scanner.Bytes())
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read the evidence in %s: %w", file, err)
	}
	return nil
}
