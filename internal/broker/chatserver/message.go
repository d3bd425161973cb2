package chatserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// codeTooLarge is the code of an answer that would be larger than the broker takes.
const codeTooLarge = "too_large"

var (
	errSilent = fmt.Errorf("the chat server has not answered for %s: check that it runs and reaches its database, and that its user may publish to inboxes", broker.RequestTimeout)

	errTooLarge    = errors.New("the chat server's answer would be too large for the broker")
	errOneTooLarge = errors.New("the chat server's answer for a single user is too large for the broker: raise max_payload of the broker, or remove devices of that user")
	errGetForm     = errors.New(`the chat server's answer to ` + wire.DirectoryGet + ` is not of the form {"devices":[…]}: correct what answers there, as docs/directory.md says; until then nothing is sent`)
	errGoneForm    = errors.New(`the chat server's answer to ` + wire.DirectoryGone + ` is not {"ok":true}: correct what answers there, as docs/directory.md says; the device stays until then`)
)

// nobody says that no program has subscribed to subject.
func nobody(subject string) error {
	return fmt.Errorf("no chat server answers %s: start it, and check that its user may subscribe to push.directory.* (PUSHWORKER_DIRECTORY=nats)", subject)
}

// failure is the error that an answer may have in place of its devices.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// err is the failure of a request on subject. The message is the chat server's and may
// have anything in it.
func (f failure) err(subject string) error {
	if f.Code == codeTooLarge {
		return errTooLarge
	}
	return fmt.Errorf("the chat server cannot answer %s now: %s: %s", subject,
		wire.OneLine(f.Code, maxCode), wire.OneLine(f.Message, wire.MaxErrorText))
}

// maxCode is how much of an error's code is shown, in bytes.
const maxCode = 64

func encodeGet(users []push.Uid) []byte {
	b := make([]byte, 0, 16*len(users)+16)
	b = append(b, `{"users":[`...)
	for i, u := range users {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), u.String()...), '"')
	}
	return append(b, "]}"...)
}

// decodeGet reads an answer. A device that is none is a fault of its own.
func decodeGet(reply []byte) ([]device.Found, error) {
	var read struct {
		Devices *[]json.RawMessage `json:"devices"`
		Error   *failure           `json:"error"`
	}
	err := json.Unmarshal(reply, &read)
	switch {
	case err == nil && read.Error != nil:
		return nil, read.Error.err(wire.DirectoryGet)
	case err != nil || read.Devices == nil:
		return nil, errGetForm
	}
	found := make([]device.Found, len(*read.Devices))
	for i, line := range *read.Devices {
		d, err := device.ParseLine(bytes.TrimSpace(line))
		found[i] = device.Found{Device: d, Fault: err}
	}
	return found, nil
}

func encodeGone(d push.Device, asOf time.Time, reason string) ([]byte, error) {
	request, err := json.Marshal(struct {
		Device push.Device `json:"device"`
		AsOf   time.Time   `json:"as_of"`
		Reason string      `json:"reason"`
	}{d, asOf.UTC(), reason})
	if err != nil {
		return nil, fmt.Errorf("encoding a request on %s: %w", wire.DirectoryGone, err)
	}
	return request, nil
}

func decodeGone(reply []byte) error {
	var read struct {
		OK    bool     `json:"ok"`
		Error *failure `json:"error"`
	}
	err := json.Unmarshal(reply, &read)
	switch {
	case err == nil && read.Error != nil:
		return read.Error.err(wire.DirectoryGone)
	case err != nil || !read.OK:
		return errGoneForm
	}
	return nil
}
