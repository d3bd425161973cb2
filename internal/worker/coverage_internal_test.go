package worker

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestUnknownUsersAreTold once a minute for as long as the directory knows nobody: by the
// log, the status and readiness, which only warns.
func TestUnknownUsersAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := device.New(&device.Memory{}, device.Options{})
		d := &lateDirectory{}
		d.open(kept)
		var log bytes.Buffer
		w := Worker{Config: &config.Config{Directory: config.InNATS}, Log: zerolog.New(&log)}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.judge(d)(ctx) }()
		var users []push.Uid
		for u := push.Uid(1); u <= 30; u++ {
			users = append(users, u)
		}
		ask := func() {
			t.Helper()
			if _, err := d.Devices(t.Context(), users, "fcm"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(judgeEvery)
			synctest.Wait()
		}
		told := func() int {
			return strings.Count(log.String(), "none of the 30 users who were looked up last has a device")
		}
		for n := 1; n <= 2; n++ {
			ask()
			if told() != n || d.known() == nil || !strings.Contains(d.state("nats").Problem, "none of the 30 users") {
				t.Errorf("after %d minutes: told %d times, %v", n, told(), d.known())
			}
		}
		if _, err := kept.Put(t.Context(), push.Device{User: 7, ID: "phone", Provider: "apns", Token: "token"}); err != nil {
			t.Fatal(err)
		}
		d.Find(t.Context(), users, "fcm", func(map[push.Uid][]push.Device, error) {})
		time.Sleep(judgeEvery)
		synctest.Wait()
		if s := d.state("nats"); told() != 2 || d.known() != nil || s.Problem != "" || s.Known != 1 || s.Unknown != 89 {
			t.Errorf("with somebody who has a device of another provider: told %d times, %v, %+v", told(), d.known(), s)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
