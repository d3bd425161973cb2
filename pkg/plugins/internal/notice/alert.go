package notice

import (
	"cmp"

	"github.com/pushworker/pushworker/pkg/plugins/internal/jsonbody"
)

// Alert is what Apple's system shows, with the keys of the section for Apple.
type Alert struct {
	Title, Subtitle, Body   string
	TitleLocKey, LocKey     string
	TitleLocArgs, LocArgs   []string
	Action, ActionLocKey    string
	LaunchImage, SummaryArg string
	SummaryArgCount         int
}

// Write writes the alert as the member called name.
func (a *Alert) Write(w *jsonbody.Writer, name string) {
	w.Begin(name)
	w.NonEmpty("title", a.Title)
	w.NonEmpty("subtitle", a.Subtitle)
	w.NonEmpty("body", a.Body)
	w.NonEmpty("title-loc-key", a.TitleLocKey)
	w.List("title-loc-args", a.TitleLocArgs)
	w.NonEmpty("loc-key", a.LocKey)
	w.List("loc-args", a.LocArgs)
	w.NonEmpty("action", a.Action)
	w.NonEmpty("action-loc-key", a.ActionLocKey)
	w.NonEmpty("launch-image", a.LaunchImage)
	w.NonEmpty("summary-arg", a.SummaryArg)
	w.NonZero("summary-arg-count", a.SummaryArgCount)
	w.End()
}

// DrawsAlert reports whether the system shows the push. The data of a missed call say
// silent, as Tinode's do; people want to see it all the same.
func (v *View) DrawsAlert() bool {
	missed := v.Settings.Improvements.Quiet && v.IsMissed()
	return v.Settings.APNS.Enabled && (!v.Silent || missed)
}

// Alert is what the system shows; nil if there is nothing to read on it.
func (v *View) Alert() *Alert {
	s, what := &v.Settings.APNS, v.What
	a := &Alert{
		Title:           s.Text(what, func(n *Notice) string { return n.Title }),
		Subtitle:        s.Text(what, func(n *Notice) string { return n.Subtitle }),
		TitleLocKey:     s.Text(what, func(n *Notice) string { return n.TitleLocKey }),
		LocKey:          s.Text(what, func(n *Notice) string { return n.LocKey }),
		Action:          s.Text(what, func(n *Notice) string { return n.Action }),
		ActionLocKey:    s.Text(what, func(n *Notice) string { return n.ActionLocKey }),
		LaunchImage:     s.Text(what, func(n *Notice) string { return n.LaunchImage }),
		SummaryArg:      s.Text(what, func(n *Notice) string { return n.SummaryArg }),
		SummaryArgCount: cmp.Or(s.Override(what).SummaryArgCount, s.SummaryArgCount),
	}
	a.LocKey = cmp.Or(a.LocKey, v.More(s, func(n *Notice) string { return n.BodyLocKey }))
	a.Body = v.Body(s, a.LocKey)
	a.TitleLocArgs = v.Args(s, a.TitleLocKey, func(n *Notice) []string { return n.TitleLocArgs })
	a.LocArgs = v.Args(s, a.LocKey, func(n *Notice) []string { return n.LocArgs })
	if a.LocArgs == nil {
		a.LocArgs = v.Args(s, a.LocKey, func(n *Notice) []string { return n.BodyLocArgs })
	}
	if v.Wordless(s, a.Title+a.TitleLocKey+a.Subtitle+a.Body+a.LocKey) {
		return nil
	}
	return a
}
