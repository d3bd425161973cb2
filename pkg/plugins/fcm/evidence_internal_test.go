package fcm

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

// TestForeignAnswersCostNothing: as long as nobody is served, an answer that is not
// FCM's is no attempt, even of the only device there is, and no device leaves.
func TestForeignAnswersCostNothing(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 204, 302, 400, 401, 403, 404, 405, 407, 408, 410, 413, 421, 429, 451, 499, 501, 511, 520} {
		for _, body := range []string{"", "<html>registration token</html>", `{"error":"UNREGISTERED"}`} {
			if status == 200 && body == "" {
				body = "null"
			}
			t.Run(strconv.Itoa(status)+body, func(t *testing.T) {
				l := &network{answer: func(int, string) reply { return reply{status: status, body: body} }}
				bubble(t, l, goodKey, func(t *testing.T, s *sender) {
					t.Helper()
					for range 100 {
						if a, err := s.send(t.Context(), to("t")); err != nil && !errors.Is(err, line.ErrDown) ||
							err == nil && (a.Fate != line.Again || a.Tried || a.Wait <= 0) {
							t.Fatalf("%+v, %v", a, err)
						}
						time.Sleep(time.Second)
					}
				})
			})
		}
	}
}
