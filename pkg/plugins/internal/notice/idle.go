package notice

import "github.com/pushworker/pushworker/pkg/push"

// IdleBut is [Settings.Idle] for a handler that reads one section alone, and also warns of the
// others, if they are enabled; whose are its devices.
func (s *Settings) IdleBut(section, whose string) []push.Finding {
	found := s.Idle("docs/handlers.md")
	for _, other := range []struct {
		name    string
		enabled bool
	}{{"android", s.Android.Enabled}, {"apns", s.APNS.Enabled}, {"webpush", s.Webpush.Enabled}} {
		if other.enabled && other.name != section {
			found = append(found, push.Finding{
				Level: push.LevelWarn, Check: "sections", Text: "the section " + other.name + " does nothing for " + whose, Remedy: "remove it",
			})
		}
	}
	return found
}
