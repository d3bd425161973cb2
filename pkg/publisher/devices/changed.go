package devices

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pushworker/pushworker/pkg/push"
)

// changedSubject is where workers learn that devices have changed.
const changedSubject = "push.events.devices_changed"

// Changed says that the devices of users have changed in the chat server's own
// database, so that workers ask for them again and do not use what they remember for
// some seconds. It is published without an answer: if it is lost, workers use the old
// devices until they forget them.
func (c *Client) Changed(users ...push.Uid) error {
	for some := range slices.Chunk(users, maxUsers) {
		event := struct {
			Users []string `json:"users"`
		}{make([]string, len(some))}
		for i, user := range some {
			event.Users[i] = user.String()
		}
		data, err := json.Marshal(event)
		if err == nil {
			err = c.nc.Publish(changedSubject, data)
		}
		if err != nil {
			return fmt.Errorf("publish %s: %w", changedSubject, err)
		}
	}
	return nil
}
