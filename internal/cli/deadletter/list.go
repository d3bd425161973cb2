package deadletter

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/pkg/push"
)

func newDeadletterListCommand(a command) *cobra.Command {
	var f letterFilter
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List dead letters, the newest first",
		Long: `Lists dead letters, the newest first. A terminal shows as much of each error as
fits; a pipe gets all of it.`,
		Example: `  pushworker deadletter ls --handler fcm --since 2h
  pushworker deadletter ls --reason malformed --all -o jsonl`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return a.letters(cmd.Context(), func(l *letters.Letters) error { return a.listLetters(cmd.Context(), l, f) })
		},
	}
	addLetterFlags(a, cmd, &f)
	return cmd
}

// letterLine is a letter in the list; the names up to subject are the contract's.
type letterLine struct {
	Seq       uint64    `json:"seq"`
	Handler   string    `json:"handler"`
	Reason    string    `json:"reason"`
	Error     string    `json:"error"`
	Attempts  int       `json:"attempts"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Stream    string    `json:"stream"`
	StreamSeq uint64    `json:"stream_seq"`
	Subject   string    `json:"subject"`
	// What follows is the receipt's, as far as it can be read.
	What       string   `json:"what,omitempty"`
	Topic      string   `json:"topic,omitempty"`
	TopicSeq   int      `json:"topic_seq,omitempty"`
	Channel    string   `json:"channel,omitempty"`
	Recipients []string `json:"recipients,omitempty"`

	to string // whom it addresses, in short
}

func (a command) listLetters(ctx context.Context, reader *letters.Letters, f letterFilter) error {
	p := a.List(f.out, "SEQ", "HANDLER", "REASON", "AGE", "WHAT", "TOPIC", "TO", "ERROR")
	n := 0
	for l, err := range letters.Newest(ctx, reader, f.oneMore(), line) {
		if err != nil {
			if n > 0 {
				_ = p.Close() // what there is; the error says that it is not all
			}
			return app.Unavailable(err)
		}
		if n++; n > f.limit && !f.all {
			a.sayMore(f)
			break
		}
		p.Add(l, strconv.FormatUint(l.Seq, 10), l.Handler, l.Reason, terminal.Age(l.Last), l.What, app.TopicText(l.Topic, l.Channel, l.TopicSeq), l.to, l.Error)
	}
	return p.Close()
}

func line(l deadletter.Letter) letterLine {
	line := letterLine{
		Seq: l.Seq, Handler: l.Handler, Reason: l.Reason, Error: l.Error, Attempts: l.Attempts,
		First: l.First, Last: l.Last, Stream: l.Stream, StreamSeq: l.StreamSeq, Subject: l.Subject,
	}
	r, _, err := push.Decode(l.Data, anyReceipt())
	if err != nil {
		return line
	}
	line.What, line.Topic, line.TopicSeq, line.Channel = r.Payload.What, r.Payload.Topic, r.Payload.SeqId, r.Channel
	for uid := range r.To {
		line.Recipients = append(line.Recipients, uid.String())
	}
	slices.Sort(line.Recipients)
	line.to = app.Addressed(r.To, r.Channel)
	return line
}

// anyReceipt are limits that whatever a stream holds keeps.
func anyReceipt() push.Limits {
	return push.Limits{MaxBytes: 64 << 20, MaxDepth: 10_000, MaxKeys: 1 << 24, MaxRecipients: 1 << 24}
}
