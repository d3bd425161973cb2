package apns

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestBackgroundIsRare: a device gets a push that only wakes the app once in twenty minutes. Of
// those that come meanwhile the newest follows then, whatever the order in which they come back;
// others pass at any time, and so does a push whose first attempt failed.
func TestBackgroundIsRare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBackground(mustConfig(t, "").BackgroundEvery)
		began := time.Now()
		quiet := func(id, token string, minute int) *message {
			return &message{rendered: &rendered{}, token: token, id: id, published: began.Add(time.Duration(minute) * time.Minute)}
		}
		loud, badge, call := quiet("loud", "one", 0), quiet("badge", "one", 0), quiet("call", "one", 0)
		loud.rendered, badge.badge, call.voip = &rendered{loud: true}, "3", true
		const sent, never = time.Duration(0), -time.Second
		for _, step := range []struct {
			minute int
			name   string
			push   *message
			want   time.Duration // sent, never, or how long it waits
		}{
			{0, "the first", quiet("a", "one", 0), sent},
			{0, "the first again", quiet("a", "one", 0), sent},
			{1, "the second", quiet("b", "one", 1), 19 * time.Minute},
			{1, "that of another device", quiet("c", "two", 1), sent},
			{2, "a message", loud, sent},
			{2, "a badge", badge, sent},
			{2, "a call", call, sent},
			{2, "the newest", quiet("d", "one", 2), 18 * time.Minute},
			{3, "the second, come back too soon", quiet("b", "one", 1), never},
			{20, "the second, come back", quiet("b", "one", 1), never},
			{20, "the newest, come back", quiet("d", "one", 2), sent},
			{21, "one after it", quiet("e", "one", 21), 19 * time.Minute},
			{41, "one much later", quiet("f", "one", 41), sent},
			{41, "one that was overtaken", quiet("e", "one", 21), never},
		} {
			time.Sleep(time.Until(began.Add(time.Duration(step.minute) * time.Minute)))
			why, wait := b.hold(step.push, time.Now())
			if why != "" && wait == 0 {
				wait = never
			}
			if wait != step.want || (why == "") != (step.want == sent) {
				t.Errorf("minute %d, %s: %q, %s, want %s", step.minute, step.name, why, wait, step.want)
			}
		}
	})
}

// TestBackgroundOfManyDevices: what is remembered is bounded.
func TestBackgroundOfManyDevices(t *testing.T) {
	t.Parallel()
	b, now := newBackground(time.Minute), time.Now()
	for i := range maxBackground + 10 {
		if why, _ := b.hold(&message{rendered: &rendered{}, token: string(rune(i)) + "x" + time.Duration(i).String()}, now); why != "" {
			t.Fatal(why)
		}
	}
	if n := b.of.Len(); n != maxBackground {
		t.Errorf("%d devices are remembered, want %d", n, maxBackground)
	}
}
