package jsonl_test

import (
	"testing"

	"github.com/pushworker/pushworker/internal/jsonl"
)

func TestJSONPath(t *testing.T) {
	t.Parallel()
	const doc = `{"payload":{"topic":"grpA","seq":12345678901234567890,"on":true,"none":null,"list":[1,{"x":"y"}],"":1,"evil":"a\nb","empty":""}}`
	tests := map[string]struct{ want, fault string }{
		"payload.topic":    {want: "grpA"},
		"$.payload.topic":  {want: "grpA"},
		"payload.seq":      {want: "12345678901234567890"},
		"payload.on":       {want: "true"},
		"payload.list.0":   {want: "1"},
		"payload.list.1.x": {want: "y"},
		"payload.list.2":   {fault: "there is no payload.list.2"},
		"payload.list.-1":  {fault: "there is no payload.list.-1"},
		"payload.topic.x":  {fault: "there is no payload.topic.x"},
		"Payload.topic":    {fault: "there is no Payload"},
		"payload":          {fault: "payload is neither text nor a number"},
		"payload.list":     {fault: "payload.list is neither text nor a number"},
		"payload.none":     {fault: "payload.none is neither text nor a number"},
		"payload.empty":    {fault: "payload.empty is empty or has characters that do not print"},
		"payload.evil":     {fault: "payload.evil is empty or has characters that do not print"},
	}
	for in, test := range tests {
		var p jsonl.Path
		if err := p.Set(in); err != nil {
			t.Fatal(err)
		}
		got, err := p.Find([]byte(doc))
		if got != test.want || (err != nil) != (test.fault != "") || err != nil && err.Error() != test.fault {
			t.Errorf("%s is %q (%v), want %q (%s)", in, got, err, test.want, test.fault)
		}
	}
	for _, in := range []string{"", "$", "$.", ".", "a..b", "a."} {
		if err := new(jsonl.Path).Set(in); err == nil {
			t.Errorf("path %q was taken", in)
		}
	}
}
