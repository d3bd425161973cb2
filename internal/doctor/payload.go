package doctor

import (
	"fmt"

	"github.com/pushworker/pushworker/pkg/push"
)

// headerRoom is what the headers of a retry or a letter may take: 16 KiB of the
// publisher's own, and ours.
const headerRoom = 24 << 10

// payload compares what a receipt may have with what the broker takes. A retry has
// headers that the receipt had not.
func payload(receipt, broker int64) []push.Finding {
	text := fmt.Sprintf("the broker takes messages of %d bytes, and a receipt may have %d", broker, receipt)
	if receipt+headerRoom <= broker {
		return []push.Finding{ok("payload", text)}
	}
	return []push.Finding{warn("payload", text+"; a receipt of that size cannot be stored for a retry",
		fmt.Sprintf("raise max_payload of the broker to %d, or lower PUSHWORKER_MAX_RECEIPT_BYTES to %d", receipt+headerRoom, max(broker-headerRoom, 1)))}
}
