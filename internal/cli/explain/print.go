package explain

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/explain"
	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/pkg/push"
)

// listStories writes one line for each receipt, which are in so many streams, and lane.
func (a command) listStories(stories []explain.Story, streams int) error {
	p := a.List(terminal.FormatTable, "STREAM-SEQ", "AGE", "WHAT", "TOPIC", "LANE", "FATE")
	for _, s := range stories {
		r := s.Receipt
		seq, age, what, topic := strconv.FormatUint(r.Seq, 10), terminal.Age(r.Published), r.What, app.TopicText(r.Topic, r.Channel, r.TopicSeq)
		if streams > 1 {
			seq = r.Stream + " " + seq
		}
		for _, lane := range s.Lanes {
			p.Add(nil, seq, age, what, topic, lane.Handler, string(lane.Fate))
		}
	}
	if err := p.Close(); err != nil {
		return err
	}
	of := ""
	if streams > 1 {
		of = " --stream " + stories[0].Receipt.Stream
	}
	a.Say("details of one: pushworker explain %d%s", stories[0].Receipt.Seq, of)
	return nil
}

// printStories writes stories at length, or as JSON.
func (a command) printStories(stories []explain.Story, o explainOptions) error {
	p := a.List(o.out)
	for _, s := range stories {
		p.Add(s, storyText(s, o.user))
	}
	return p.Close()
}

// storyText is a story for human eyes.
func storyText(s explain.Story, user push.Uid) string {
	var b strings.Builder
	r := s.Receipt
	field := func(name, text string) { wrap(&b, fmt.Sprintf("%-10s", name), text) }
	field("receipt", fmt.Sprintf("%d of %s on %s", r.Seq, r.Stream, r.Subject))
	field("published", fmt.Sprintf("%s, %s ago", r.Published.UTC().Format(time.RFC3339), terminal.Age(r.Published)))
	switch {
	case r.Unreadable != "":
		field("what", "no receipt: "+r.Unreadable)
	case r.What != "":
		field("what", what(r))
	}
	if r.Unreadable == "" {
		field("to", recipients(r, user))
	}
	if r.Trace != "" {
		field("trace", r.Trace)
	}
	for _, lane := range s.Lanes {
		b.WriteString("\n")
		wrap(&b, fmt.Sprintf("%-9s ", terminal.OneLine(lane.Handler)), fate(lane))
		writeSteps(&b, lane.Steps)
		for _, u := range lane.Unknown {
			wrap(&b, "  unknown:  ", u)
		}
		if lane.Letter != 0 {
			wrap(&b, "  look:     ", fmt.Sprintf("pushworker deadletter show %d", lane.Letter))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func what(r explain.Receipt) string {
	text := r.What + " in " + terminal.OrDash(r.Topic)
	if r.TopicSeq != 0 {
		text += fmt.Sprintf(", seq %d", r.TopicSeq)
	}
	if r.From != "" {
		text += ", from " + r.From
	}
	return text
}

func recipients(r explain.Receipt, user push.Uid) string {
	var all []string
	if n := len(r.Users); !user.IsZero() && n > 1 {
		all = append(all, user.UserId()+" and "+others(n-1))
	} else {
		for _, u := range r.Users[:min(n, maxNames)] {
			all = append(all, "usr"+u)
		}
		if n > maxNames {
			all = append(all, others(n-maxNames))
		}
	}
	if r.Channel != "" {
		all = append(all, "the channel "+r.Channel)
	}
	return cmp.Or(strings.Join(all, ", "), "nobody")
}

// maxNames is how many users a story names.
const maxNames = 8

// writeSteps writes steps. Of equal ones in a row, which a provider makes that is
// down, it writes the first, and when the last was.
func writeSteps(b *strings.Builder, steps []explain.Step) {
	for len(steps) > 0 {
		n := 1
		for n < len(steps) && sameStep(steps[0], steps[n]) {
			n++
		}
		writeStep(b, steps[0])
		if n > 1 {
			wrap(b, "  "+steps[n-1].At.UTC().Format("15:04:05")+"  ", fmt.Sprintf("the same again, %d times in all", n))
		}
		steps = steps[n:]
	}
}

// sameStep reports whether two steps differ only in their times.
func sameStep(a, b explain.Step) bool {
	return a.Attempt == b.Attempt && withoutDelay(a.Text) == withoutDelay(b.Text) && a.Others == b.Others && slices.Equal(a.Targets, b.Targets)
}

func withoutDelay(text string) string {
	before, delay, _ := strings.Cut(text, "; retry in ")
	_, why, _ := strings.Cut(delay, ": ")
	return before + why
}

func writeStep(b *strings.Builder, s explain.Step) {
	attempt := ""
	if s.Attempt > 0 {
		attempt = fmt.Sprintf("attempt %d, ", s.Attempt)
	}
	wrap(b, "  "+s.At.UTC().Format("15:04:05")+"  ", attempt+s.Text)
	for _, t := range s.Targets {
		if strings.Contains(s.Text, t.Why) {
			t.Why = "" // once is enough
		}
		wrap(b, "            ", targetText(t))
	}
	if s.Others > 0 {
		wrap(b, "            ", "and "+others(s.Others))
	}
}

func targetText(t outcome.Target) string {
	name := "everybody"
	switch {
	case t.Channel != "":
		name = "the channel " + t.Channel
	case t.ID != "":
		name = fmt.Sprintf("%s device %q of usr%s", t.Provider, t.ID, t.User)
		if of := strings.TrimSpace(t.App + " " + t.Kind); of != "" {
			name += " (" + of + ")"
		}
	case t.User != "":
		name = "usr" + t.User
	}
	if t.TokenHash != "" {
		name += ", token " + t.TokenHash
	}
	text := name + ": " + t.Result
	if t.Why != "" {
		text += ", " + t.Why
	}
	if t.UniqueID != "" {
		text += ", apns-unique-id " + t.UniqueID
	}
	return text
}

// wrap writes text, which may hold anything, after label, in lines of the screen's
// width.
func wrap(b *strings.Builder, label, text string) {
	text = terminal.OneLine(text)
	width, line := terminal.ScreenWidth-1-len(label), label
	used := 0
	for word := range strings.FieldsSeq(text) {
		n := uniseg.StringWidth(word)
		if used > 0 && used+1+n > width {
			_, _ = io.WriteString(b, strings.TrimRight(line, " ")+"\n")
			line, used = strings.Repeat(" ", len(label)), 0
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	_, _ = io.WriteString(b, strings.TrimRight(line, " ")+"\n")
}

func others(n int) string {
	if n == 1 {
		return "one other"
	}
	return fmt.Sprintf("%d others", n)
}

// fate is what has become of the receipt at a lane, said once.
func fate(l explain.LaneStory) string {
	if strings.HasPrefix(l.Text, string(l.Fate)) {
		return l.Text
	}
	return string(l.Fate) + ": " + l.Text
}
