package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// traffic is what is published: receipts of about 500 bytes (with one recipient),
// each for the next users of those that there are.
type traffic struct {
	users      int
	recipients int
	skip       int // receipts whose users have had their turn
	// traced says that receipts have a trace, of which their publisher records one in a
	// hundred.
	traced bool
}

// stride spreads receipts over the users; it is prime, so that all get their turn.
const stride = 7919

// receipt is the JSON of the i-th receipt, stamped now. Its sequence number is i.
func (c traffic) receipt(i int) ([]byte, error) {
	r := push.Receipt{
		To: make(map[push.Uid]push.Recipient, c.recipients),
		Payload: push.Payload{
			What: push.ActMsg, Topic: "grpnG99YhENiQU", Timestamp: time.Now().UTC(), From: "usr782riWdFIwE", SeqId: i,
			ContentType: "text/plain", Content: filler,
		},
	}
	for k := range c.recipients {
		r.To[userAt(((c.skip+i)*c.recipients+k)*stride%c.users)] = push.Recipient{Unread: 3}
	}
	data, err := r.AppendJSON(nil, push.KeyText)
	if err != nil {
		return nil, fmt.Errorf("encode a receipt: %w", err)
	}
	return data, nil
}

// trace is the header traceparent of the i-th receipt.
func (c traffic) trace(i int) string {
	flags := "00"
	if i%100 == 0 {
		flags = "01"
	}
	return fmt.Sprintf("00-%032x-%016x-%s", i+1, i+1, flags)
}

// userAt is the n-th user.
func userAt(n int) push.Uid { return push.Uid(n + 1) } //nolint:gosec // n is an index

// tokenOf is the token of a user's only device, as long as FCM's are.
func tokenOf(u push.Uid) string {
	return u.String() + ":" + strings.Repeat("APA91b", 26)[:163-len(":")-len("782riWdFIwE")]
}

// filler brings a receipt to about 500 bytes.
const filler = "The quick brown fox jumps over the lazy dog while the five boxing wizards jump quickly and the jay, " +
	"pig, fox, zebra and my wolves quack; sphinx of black quartz, judge my vow, and pack my box with five dozen " +
	"liquor jugs before the bright vixens jump, for dozy fowl quack and how quickly daft jumping zebras vex us all."
