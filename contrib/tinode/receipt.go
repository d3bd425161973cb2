package tinode

import (
	chat "github.com/tinode/chat/server/push"

	"github.com/pushworker/pushworker/pkg/push"
)

// receiptOf is r in the form that is published. Tinode's other handlers have r, too:
// it is read only.
func receiptOf(r *chat.Receipt) *push.Receipt {
	p := &r.Payload
	made := &push.Receipt{
		To:      make(map[push.Uid]push.Recipient, len(r.To)),
		Channel: r.Channel,
		Payload: push.Payload{
			What: p.What, Silent: p.Silent, Topic: p.Topic, Timestamp: p.Timestamp,
			From: p.From, SeqId: p.SeqId, ContentType: p.ContentType, Content: p.Content,
			Webrtc: p.Webrtc, AudioOnly: p.AudioOnly, Replace: p.Replace,
			ModeWant: push.AccessMode(p.ModeWant), ModeGiven: push.AccessMode(p.ModeGiven),
		},
	}
	for user, to := range r.To {
		made.To[push.Uid(user)] = push.Recipient{Delivered: to.Delivered, Devices: to.Devices, Unread: to.Unread}
	}
	return made
}
