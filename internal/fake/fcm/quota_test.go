package fcm_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/fake"
	"github.com/pushworker/pushworker/internal/fake/fcm"
)

func TestTheProjectQuotaCountsEveryRequestOfAMinute(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{Options: fake.Options{Script: script(t, `{"token":"gone","answer":"unregistered"}`)}, ProjectPerMinute: 3})
	if diff := cmp.Diff([]int{200, 404, 400, 429}, statuses(t, s, "a", "gone", "not a token", "a")); diff != "" {
		t.Errorf("errors count too: %s", diff)
	}
	got := push(t, client(t), s, to("b"))
	wait, err := strconv.Atoi(got.header.Get("Retry-After"))
	if got.status != 429 || !strings.Contains(got.body, "RATE_LIMIT_EXCEEDED") || err != nil || wait < 1 || wait > 60 {
		t.Errorf("%d with Retry-After %q: %s", got.status, got.header.Get("Retry-After"), got.body)
	}
	s.Reset()
	if diff := cmp.Diff([]int{200}, statuses(t, s, "a")); diff != "" {
		t.Errorf("after a reset: %s", diff)
	}
}

func TestTheDeviceQuotaIsOfOneDevice(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{DevicePerMinute: 2})
	if diff := cmp.Diff([]int{200, 200, 429, 200}, statuses(t, s, "a", "a", "a", "b")); diff != "" {
		t.Error(diff)
	}
	got := push(t, client(t), s, to("a"))
	if !strings.Contains(got.body, "QUOTA_EXCEEDED") || got.header.Get("Retry-After") == "" {
		t.Errorf("%s with Retry-After %q", got.body, got.header.Get("Retry-After"))
	}
}
