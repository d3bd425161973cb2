package devices

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// maxUsers is how many users a request may ask for.
const maxUsers = 1000

// done answers a request that was carried out.
var done = []byte(`{"ok":true}`) //nolint:gochecknoglobals // never written

// get answers push.directory.get.
func (a *answerer) get(ctx context.Context, data []byte) ([]byte, error) {
	var question struct {
		Users    []string `json:"users"`
		Provider string   `json:"provider"`
	}
	if json.Unmarshal(data, &question) != nil {
		return nil, &Error{codeMalformed, `want {"users":["<uid>",…],"provider":"<optional>"}`}
	}
	users, err := readUsers(question.Users)
	if err != nil {
		return nil, err
	}
	found, err := a.directory.Devices(ctx, users, question.Provider)
	if err != nil {
		return nil, err
	}
	return encode(users, question.Provider, found)
}

// readUsers reads the ids that a request has.
func readUsers(texts []string) ([]push.Uid, error) {
	if len(texts) == 0 || len(texts) > maxUsers {
		return nil, &Error{codeInvalid, fmt.Sprintf("users has %d entries: want 1 to %d", len(texts), maxUsers)}
	}
	users := make([]push.Uid, len(texts))
	for i, text := range texts {
		user, err := push.ParseUid(text)
		if err != nil {
			return nil, &Error{codeInvalid, fmt.Sprintf("users[%d]: %v", i, err)}
		}
		users[i] = user
	}
	return users, nil
}

// encode writes the devices that were asked for, each as a line of an import.
func encode(users []push.Uid, provider string, found map[push.Uid][]push.Device) ([]byte, error) {
	lines := []push.Device{}
	listed := make(map[push.Uid]bool, len(users))
	for _, user := range users {
		if listed[user] {
			continue
		}
		listed[user] = true
		for _, d := range found[user] {
			if d.For(provider) {
				d.User = user
				lines = append(lines, d)
			}
		}
	}
	answer, err := json.Marshal(map[string][]push.Device{"devices": lines})
	if err != nil {
		return nil, fmt.Errorf("encode devices: %w", err)
	}
	return answer, nil
}

// gone answers push.directory.gone.
func (a *answerer) gone(ctx context.Context, data []byte) ([]byte, error) {
	var report struct {
		Device *push.Device `json:"device"`
		AsOf   time.Time    `json:"as_of"`
		Reason string       `json:"reason"`
	}
	if json.Unmarshal(data, &report) != nil || report.Device == nil {
		return nil, &Error{codeMalformed, `want {"device":{…},"as_of":"<RFC 3339>","reason":"…"}`}
	}
	if report.Device.User.IsZero() || report.AsOf.IsZero() {
		return nil, &Error{codeInvalid, "device.user or as_of is missing"}
	}
	if err := a.directory.Gone(ctx, *report.Device, report.AsOf, report.Reason); err != nil {
		return nil, err
	}
	return done, nil
}
