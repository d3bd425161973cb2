package channel

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// maxName is the greatest length of a channel's name in bytes.
	maxName = 128
	// MaxPerUser is how many channels a user may be in: FCM lets one installation of an
	// app have 2,000 topics.
	MaxPerUser = 2000

	nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~%"
)

// Request is a user who joins or leaves a channel.
type Request struct {
	// User is who joins or leaves.
	User push.Uid
	// Channel is the name of the channel, as receipts have it in their own channel, such
	// as chnnG99YhENiQU.
	Channel string
}

// Validate returns a [*device.InvalidError] with every fault of r.
func (r Request) Validate() error {
	var faults []string
	if r.User.IsZero() {
		faults = append(faults, "user is missing: give usr…, its 11 characters or the decimal number")
	}
	if fault := nameFault(r.Channel); fault != "" {
		faults = append(faults, fault)
	}
	if faults == nil {
		return nil
	}
	return &device.InvalidError{Err: fmt.Errorf("%s", strings.Join(faults, "\n"))}
}

// nameFault says what is wrong with a channel's name; empty if nothing is.
func nameFault(name string) string {
	switch {
	case name == "":
		return "channel is missing: give its name, as receipts have it in channel"
	case len(name) > maxName || strings.Trim(name, nameCharacters) != "":
		return fmt.Sprintf("channel is not a name: use at most %d letters, digits and any of -_.~%%, as receipts have it in channel", maxName)
	case strings.HasPrefix(name, "grp"):
		return "channel is the name of a group: receipts go to its channel chn" + strings.TrimPrefix(name, "grp")
	}
	return ""
}

// ParseRequest reads a request: one JSON object {"user":…,"channel":…}. Members that it
// does not know are ignored. The error quotes nothing of the text.
func ParseRequest(text []byte) (r Request, err error) {
	d, err := device.ParseLine(text)
	if err != nil {
		return r, err //nolint:wrapcheck // it says all
	}
	var named struct {
		Channel string `json:"channel"`
	}
	if json.Unmarshal(text, &named) != nil { // it is JSON, as device has read it
		return r, &device.InvalidError{Err: errors.New("channel is no string: give its name, as receipts have it in channel")}
	}
	return Request{User: d.User, Channel: named.Channel}, nil
}
