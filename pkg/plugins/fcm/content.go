package fcm

import (
	"encoding/json"
)

// content is what a push says of a message's content.
type content struct {
	plain   string // data.content
	preview string // data.rc
}

// readContent makes it of [push.Payload.Content]. With an error it has as much as
// could be read.
func readContent(value any) (content, error) {
	raw, err := rawContent(value)
	if err != nil || raw == nil {
		return content{}, err
	}
	d, err := parseDocument(raw)
	if d == nil {
		return content{}, err
	}
	return content{plain: d.plainText(), preview: d.preview(maxCharacters)}, err
}

// rawContent is the JSON text of a content; nil for none.
func rawContent(value any) (json.RawMessage, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		if len(v) == 0 || string(v) == "null" {
			return nil, nil
		}
		return v, nil
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, errContent // encoding/json's own error may quote the content
	}
	if string(raw) == "null" {
		return nil, nil
	}
	return raw, nil
}
