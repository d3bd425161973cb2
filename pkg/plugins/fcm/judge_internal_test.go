package fcm

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/push"
)

// judge has the SDK read a message and write it anew, and compares what both mean: a
// member that it does not know, or knows of another type, is lost on the way.
func judge(tb rapid.TB, text []byte) {
	tb.Helper()
	if !json.Valid(text) {
		tb.Fatalf("is no JSON: %q", text)
	}
	again, err := json.Marshal(asSDK(text))
	if err != nil {
		tb.Fatal(err)
	}
	var ours, theirs map[string]any
	_ = json.Unmarshal(text, &ours)
	_ = json.Unmarshal(again, &theirs)
	if alert, ok := at(ours, "apns", "payload", "aps", "alert").(map[string]any); ok {
		for _, unknown := range []string{"action", "summary-arg", "summary-arg-count"} { // to the SDK
			delete(alert, unknown)
		}
	}
	if !reflect.DeepEqual(theirs, ours) { // much cheaper than a diff, which nobody needs of equals
		tb.Errorf("the SDK writes another message (-SDK +ours):\n%s", cmp.Diff(theirs, ours))
	}
}

// at is a member of objects within objects; nil if there is none.
func at(object map[string]any, path ...string) any {
	for _, name := range path[:len(path)-1] {
		object, _ = object[name].(map[string]any)
	}
	return object[path[len(path)-1]]
}

// eachText calls f with the message of r for each platform, and for its channel.
func eachText(tb rapid.TB, c *Config, r *push.Receipt, now time.Time, f func(text []byte)) {
	tb.Helper()
	tmpl, err := newTemplate(c, r, now)
	if err != nil || tmpl == nil {
		return
	}
	for user, to := range r.To {
		for p := range platforms {
			f(textTo(tmpl, user, to, p, "token"))
		}
	}
	m, ok, err := tmpl.Channel()
	if err != nil && isTopicName(r.Channel) {
		tb.Fatal(err)
	}
	if ok {
		f(m.appendTo(nil))
	}
}

// TestSDKJudgesSamples: our bytes mean what the SDK writes, for every receipt that is
// written down.
func TestSDKJudgesSamples(t *testing.T) {
	t.Parallel()
	s := readSuite(t, "original.json")
	receipts := monstrous()
	for name, text := range s.Receipts {
		receipts[name] = decodeReceipt(t, text)
	}
	samples, err := filepath.Glob("../../push/testdata/v*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range samples {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		receipts[path] = decodeReceipt(t, text)
	}
	judged := 0
	for _, config := range []string{members(s.Configs["full"]), members(s.Configs["unused"]), members(s.Configs["full"]) + "," + original, bothEnabled()} {
		c := configWith(t, config)
		for _, r := range receipts {
			if r.Channel == "" {
				r.Channel = "chnnG99YhENiQU"
			}
			eachText(t, c, r, r.Payload.Timestamp, func(text []byte) {
				judged++
				judge(t, text)
			})
		}
	}
	if judged < 1000 {
		t.Errorf("only %d messages", judged)
	}
}

// TestSDKJudgesGenerated: so they do for whatever people write and configure.
func TestSDKJudgesGenerated(t *testing.T) {
	t.Parallel()
	rapid.Check(t, judgeGenerated)
}

// FuzzRender looks for what [TestSDKJudgesGenerated] has not found.
func FuzzRender(f *testing.F) { f.Fuzz(rapid.MakeFuzz(judgeGenerated)) }

func judgeGenerated(t *rapid.T) {
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"", "\u2028\u2029", "\x00\x1f\"\\</script>&", "\xff\xed\xa0\x80", "$content"}))
	texts := rapid.SliceOfN(text, 0, 2)
	c := generatedConfig(t, text, texts)
	r := receipt(func(r *push.Receipt) {
		p := &r.Payload
		p.What = rapid.SampledFrom([]string{push.ActMsg, push.ActSub, push.ActRead}).Draw(t, "what")
		p.Topic = rapid.OneOf(text, rapid.Just(push.P2PTopic(alice, bob))).Draw(t, "topic")
		p.From, p.ContentType, p.Replace = text.Draw(t, "from"), text.Draw(t, "mime"), text.Draw(t, "replace")
		p.Webrtc = rapid.OneOf(text, rapid.SampledFrom([]string{"started", "missed"})).Draw(t, "webrtc")
		p.Silent, p.AudioOnly = rapid.Bool().Draw(t, "silent"), rapid.Bool().Draw(t, "audio only")
		p.SeqId = rapid.Int().Draw(t, "seq")
		p.Content = rapid.OneOf(rapid.Map(text, func(s string) any { return s }), rapid.Map(text, func(s string) any {
			return map[string]any{"txt": s, "fmt": []any{map[string]any{"at": 0, "len": 1, "tp": s}}}
		})).Draw(t, "content")
		r.To[bob] = push.Recipient{Unread: rapid.IntRange(-1, 9).Draw(t, "unread"), Delivered: rapid.IntRange(0, 1).Draw(t, "delivered")}
		r.Channel = rapid.SampledFrom([]string{"", "chnnG99YhENiQU"}).Draw(t, "channel")
		if rapid.Bool().Draw(t, "expires") {
			r.Stamp(&push.Delivery{Published: sentAt, Expires: sentAt.Add(time.Minute)})
		}
	})
	eachText(t, c, r, sentAt, func(text []byte) { judge(t, text) })
}

// generatedConfig is one whose sections say anything.
func generatedConfig(t *rapid.T, text *rapid.Generator[string], texts *rapid.Generator[[]string]) *Config {
	s := notice.Defaults()
	for _, on := range []*bool{
		&s.IDsOnly, &s.Improvements.ClearBadge, &s.Improvements.CollapsePerMessage, &s.Improvements.AndroidCollapseKey, &s.Improvements.RemainingTTL,
		&s.Improvements.Shrink, &s.Improvements.TolerateContent, &s.Improvements.Quiet, &s.Improvements.WholeCharacters, &s.Improvements.AllKeys,
	} {
		*on = rapid.Bool().Draw(t, "on")
	}
	s.TimeToLive = time.Hour
	c := &Config{Settings: s, APNSBundleID: text.Draw(t, "bundle")}
	for _, s := range []*notice.Section{&c.Android, &c.APNS, &c.Webpush} {
		s.Enabled = rapid.Bool().Draw(t, "enabled")
		for _, field := range []*string{
			&s.Title, &s.TitleLocKey, &s.Body, &s.BodyLocKey, &s.Icon, &s.Color, &s.ClickAction, &s.ChannelID, &s.Sound, &s.Action,
			&s.ActionLocKey, &s.LaunchImage, &s.LocKey, &s.Subtitle, &s.SummaryArg, &s.Category, &s.Msg.Body, &s.Sub.Title,
		} {
			*field = text.Draw(t, "text")
		}
		s.Visibility = rapid.SampledFrom([]string{"", "public", "secret", "private"}).Draw(t, "visibility")
		s.Image = rapid.SampledFrom([]string{"", "https://image.example/\u2028"}).Draw(t, "image")
		s.TitleLocArgs, s.BodyLocArgs, s.LocArgs = texts.Draw(t, "args"), texts.Draw(t, "args"), texts.Draw(t, "args")
	}
	return c
}

// TestRenderedIsShared: two send at the same moment what was rendered once.
func TestRenderedIsShared(t *testing.T) {
	t.Parallel()
	tmpl, err := newTemplate(configWith(t), receipt(), sentAt)
	if err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	for i := range 2 {
		both.Go(func() {
			for n := range 1000 {
				token := fmt.Sprintf("%d/%d", i, n)
				if m := asSDK(textTo(tmpl, bob, push.Recipient{Unread: n}, ios, token)); m.Token != token || *m.APNS.Payload.Aps.Badge != n {
					t.Errorf("%s: %+v", token, m)
				}
			}
		})
	}
	both.Wait()
}
