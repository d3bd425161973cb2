package acceptance_test

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// apiKey is the one that Tinode's own documents use with the salt in world_test.go.
const apiKey = "AQEAAAABAAD_rAp4DJh05a1HAwFT3A6K"

// object is a JSON object.
type object = map[string]any

// client is an app on a device: a websocket to Tinode.
type client struct {
	t    *testing.T
	ws   *websocket.Conn
	last int
	user string // "usr…" after signUp or logIn
}

// open connects an app whose device has this token; platform is android, ios or web.
func (w *world) open(t *testing.T, platform, token string) *client {
	t.Helper()
	ws, response, err := websocket.DefaultDialer.Dial("ws://"+w.chatAddr+"/v0/channels?apikey="+apiKey, nil)
	if err != nil {
		t.Fatalf("connect to Tinode: %v", err)
	}
	_ = response.Body.Close()
	c := &client{t: t, ws: ws}
	t.Cleanup(c.close)
	c.must("hi", object{"ver": "0.25", "ua": "acceptance/1", "platf": platform, "dev": token, "lang": "en"})
	return c
}

// close ends the session, as an app does that is put away.
func (c *client) close() { _ = c.ws.Close() }

// signUp makes a user and logs in as it.
func (c *client) signUp(name string) *client {
	c.t.Helper()
	reply := c.must("acc", object{
		"user": "new" + name, "scheme": "basic", "secret": secret(name), "login": true,
		"desc": object{"public": object{"fn": name}},
	})
	c.user = reply["params"].(object)["user"].(string)
	return c
}

// logIn logs in as a user that is there.
func (c *client) logIn(name string) *client {
	c.t.Helper()
	reply := c.must("login", object{"scheme": "basic", "secret": secret(name)})
	c.user = reply["params"].(object)["user"].(string)
	return c
}

func secret(name string) string {
	return base64.StdEncoding.EncodeToString([]byte(name + ":password"))
}

// must sends a request and returns the ctrl that answers it, which must be no error.
func (c *client) must(kind string, body object) object {
	c.t.Helper()
	reply, err := c.ask(kind, body)
	if err != nil {
		c.t.Fatalf("%s: %v", kind, err)
	}
	if code := int(reply["code"].(float64)); code >= 400 {
		c.t.Fatalf("%s %v: %d %v", kind, body, code, reply["text"])
	}
	return reply
}

// ask sends a request and reads until its ctrl is there.
func (c *client) ask(kind string, body object) (object, error) {
	c.last++
	id := strconv.Itoa(c.last)
	body["id"] = id
	if err := c.ws.WriteJSON(object{kind: body}); err != nil {
		return nil, err
	}
	_ = c.ws.SetReadDeadline(time.Now().Add(patience))
	for {
		_, data, err := c.ws.ReadMessage()
		if err != nil {
			return nil, err
		}
		var message struct {
			Ctrl object `json:"ctrl"`
		}
		if json.Unmarshal(data, &message) == nil && message.Ctrl["id"] == id {
			return message.Ctrl, nil
		}
	}
}

// join subscribes to a topic and returns its name.
func (c *client) join(topic string, set object) string {
	c.t.Helper()
	body := object{"topic": topic}
	if set != nil {
		body["set"] = set
	}
	return c.must("sub", body)["topic"].(string)
}

// leave detaches from a topic, and stays its subscriber.
func (c *client) leave(topic string) { c.t.Helper(); c.must("leave", object{"topic": topic}) }

// say sends a message and returns its number.
func (c *client) say(topic string, head object, content any) int {
	c.t.Helper()
	body := object{"topic": topic, "noecho": true, "content": content}
	if head != nil {
		body["head"] = head
	}
	return int(c.must("pub", body)["params"].(object)["seq"].(float64))
}

// read says that all messages up to seq are read. There is no answer.
func (c *client) read(topic string, seq int) {
	c.t.Helper()
	if err := c.ws.WriteJSON(object{"note": object{"topic": topic, "what": "read", "seq": seq}}); err != nil {
		c.t.Fatal(err)
	}
}

// device gives the session's device another token; "␡" is a logout.
func (c *client) device(token string) { c.t.Helper(); c.must("hi", object{"dev": token, "lang": "en"}) }
