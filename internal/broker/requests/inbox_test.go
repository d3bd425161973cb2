package requests_test

import (
	"testing"

	"github.com/pushworker/pushworker/internal/broker/requests"
)

func TestIsInbox(t *testing.T) {
	t.Parallel()
	for subject, want := range map[string]bool{
		"_INBOX.a": true, "_INBOX.a.b": true, "_INBOX_chat.a": true, "_INBOX_chat-1.a.b": true, "_R_.a.b": true,
		"_GR_.abcdef.ghijkl._INBOX.a": true, "_GR_.abcdef.ghijkl._INBOX_chat.a": true, "_GR_.abcdef.ghijkl._R_.a": true,
		"": false, "_INBOX": false, "_INBOX.": false, "_INBOX_chat": false, "_INBOXES.a": false, "_R_": false, "_R.a": false, "inbox.a": false,
		"$KV.push-devices.user.AQAAAAAAAAA": false, "push.retry.fcm": false, "push.schedule.fcm.1": false, "push.dead.fcm": false,
		"push.receipts": false, "$JS.API.STREAM.PURGE.PUSH": false, "$JS.ACK.PUSH.fcm.1.1.1.1.0": false, "push._INBOX.a": false,
		"_GR_.abcdef.ghijkl.$KV.push-devices.user.AQAAAAAAAAA": false, "_GR_.abcdef.ghijkl.push.retry.fcm": false, "_GR_._INBOX.a": false,
		"_GR_.abcdef.ghijkl._INBOX": false,
	} {
		if got := requests.IsInbox(subject); got != want {
			t.Errorf("IsInbox(%q) = %t", subject, got)
		}
	}
}
