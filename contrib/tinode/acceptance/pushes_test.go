package acceptance_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// push is one message that a fake has accepted.
type push struct {
	target  string // a token, or /topics/ and a channel
	message object
	to      []string // of a channel: the devices that are subscribed
}

// data is a member of the message's data.
func (p push) data(name string) string {
	data, _ := p.message["data"].(object)
	text, _ := data[name].(string)
	return text
}

// pushes reads what a fake has accepted so far.
func pushes(t *testing.T, fake *process) []push {
	t.Helper()
	text, err := os.ReadFile(fake.out)
	if err != nil {
		t.Fatal(err)
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	var all []push
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Target   string   `json:"target"`
			Accepted bool     `json:"accepted"`
			To       []string `json:"subscribers"`
			Body     struct {
				Message object `json:"message"`
			} `json:"body"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		if line.Accepted {
			all = append(all, push{line.Target, line.Body.Message, line.To})
		}
	}
	return all
}

// comparable is p as text, without the one thing that depends on the moment of sending.
// Google takes both spellings of a name, click_action and clickAction, and priorities
// in both cases; Tinode uses one and pushworker the other.
func (p push) comparable(t *testing.T) string {
	t.Helper()
	if apns, ok := p.message["apns"].(object); ok {
		headers, _ := apns["headers"].(object)
		if expires, ok := headers["apns-expiration"].(string); ok && atoi(expires) > 0 {
			headers["apns-expiration"] = "set"
		}
	}
	if android, ok := p.message["android"].(object); ok {
		android["priority"] = strings.ToUpper(fmt.Sprint(android["priority"]))
		if notification, ok := android["notification"].(object); ok {
			android["notification"] = oneSpelling(notification)
		}
	}
	return p.target + " " + marshal(t, p.message)
}

// oneSpelling has all names in lower case with underscores.
func oneSpelling(o object) object {
	made := object{}
	for name, value := range o {
		made[upper.ReplaceAllStringFunc(name, func(s string) string { return "_" + strings.ToLower(s) })] = value
	}
	return made
}

var upper = regexp.MustCompile(`[A-Z]`)

// compare says how the pushes of two fakes differ, or "".
func compare(t *testing.T, google, fake []push) string {
	t.Helper()
	count := map[string]int{}
	for _, p := range google {
		count[p.comparable(t)]++
	}
	for _, p := range fake {
		count[p.comparable(t)]--
	}
	var differ []string
	for text, n := range count {
		if n > 0 {
			differ = append(differ, text+"\n  from Tinode alone")
		} else if n < 0 {
			differ = append(differ, text+"\n  from pushworker alone")
		}
	}
	slices.Sort(differ)
	return strings.Join(differ, "\n")
}

// targets are those of pushes, sorted.
func targets(all []push) []string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.target
	}
	slices.Sort(names)
	return names
}

// copies counts how often each message number of a topic has come to a target.
func copies(all []push, target, topic string) map[int]int {
	count := map[int]int{}
	for _, p := range all {
		if p.target == target && p.data("topic") == topic && p.data("what") == "msg" {
			n, _ := strconv.Atoi(p.data("seq"))
			count[n]++
		}
	}
	return count
}
