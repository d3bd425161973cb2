package fanout

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestTestPush: a test push is one request, whose times are told, and what the provider
// says of the device counts as with any other push.
func TestTestPush(t *testing.T) {
	t.Parallel()
	device := push.Device{User: 1, ID: "phone", Provider: "fcm", Token: "phone"}
	no := errors.New("no")
	for name, test := range map[string]struct {
		device        push.Device
		answer        line.Answer
		want          push.Target // but for the device
		answered      time.Duration
		reached, gone bool
	}{
		"accepted": {
			device: device, answer: line.Answer{Fate: line.Accepted, Tried: true}, want: push.Target{Result: push.ResultAccepted},
			answered: 30 * time.Millisecond, reached: true,
		},
		"gone": {
			device: device, answer: line.Answer{Fate: line.Gone, Tried: true, Err: no}, want: push.Target{Result: push.ResultGone, Why: "no"},
			answered: 30 * time.Millisecond, reached: true, gone: true,
		},
		"rejected": {
			device: device, answer: line.Answer{Fate: line.Rejected, Tried: true, Err: no}, want: push.Target{Result: push.ResultRejected, Why: "no"},
			answered: 30 * time.Millisecond, reached: true,
		},
		"without an answer": {
			device: device, answer: line.NoAnswer(no), want: push.Target{Result: push.ResultRetried, Why: "no answer from FCM: no"},
			answered: 30 * time.Millisecond, reached: true,
		},
		"of another provider": {device: push.Device{User: 1, ID: "x", Provider: "apns", Token: "x"}},
		"of another app":      {device: push.Device{User: 1, ID: "x", Provider: "fcm", Token: "foreign"}},
		"without a token":     {device: push.Device{User: 1, ID: "x", Provider: "fcm"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := &mourning{}
				asked := 0
				f := New(d, Way[letter]{
					Name: "FCM", Provider: "fcm", Line: line.New(line.Options{Name: "FCM", InFlight: 1, Timeout: time.Minute}),
					Mine: func(d push.Device) bool { return d.Token != "foreign" },
					Prepare: func(r *push.Receipt, _ time.Time) (Renderer[letter], error) {
						if r.TestToken() != "secret" {
							t.Errorf("the token is %q", r.TestToken())
						}
						return letters{}, nil
					},
					Call: func(push.Device, letter) line.Call {
						return line.Call{Key: "k", Do: func(_ context.Context, answered func(line.Answer)) {
							asked++
							time.Sleep(30 * time.Millisecond)
							answered(test.answer)
						}}
					},
				})
				began := time.Now()
				got, reached := f.Test(t.Context(), test.device, "secret")
				if reached != test.reached || (asked == 1) != test.reached || d.gone != test.gone {
					t.Fatalf("reached %t, asked %d times, gone %t", reached, asked, d.gone)
				}
				if !reached {
					return
				}
				if got.Asked.Sub(began) != 0 || got.Answered.Sub(began) != test.answered {
					t.Errorf("asked after %s, answered after %s", got.Asked.Sub(began), got.Answered.Sub(began))
				}
				test.want.Device = test.device
				if diff := cmp.Diff(test.want, got.Target); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// mourning is a directory that notes whether a device has gone.
type mourning struct {
	town

	gone bool
}

// Gone implements [push.Directory].
func (m *mourning) Gone(context.Context, push.Device, time.Time, string) error {
	m.gone = true
	return nil
}
