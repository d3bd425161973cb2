package brokertest

import (
	"slices"
	"strconv"

	"github.com/nats-io/nats.go"
)

// Say sends one message of an answer.
func Say(m *nats.Msg, data string, header ...string) {
	r := nats.NewMsg(m.Reply)
	r.Data = []byte(data)
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	_ = m.RespondMsg(r)
}

// SayEnd sends the end of an answer.
func SayEnd(m *nats.Msg, last, pending int) {
	Say(m, "", "Status", "204", "Description", "EOB", "Nats-Num-Pending", strconv.Itoa(pending), "Nats-Last-Sequence", strconv.Itoa(last))
}
