package importer_test

import (
	"errors"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/publisher"
)

func TestPublishRawAsyncStoresTheBytesInOrder(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	s := stream(t, nc, nil)
	p := newPublisher(t, nc, publisher.Config{})

	want := []string{"{ \"to\":null }\n", "no JSON\x00", "{}"}
	acks := make([]publisher.Ack, len(want))
	for i, data := range want {
		done := func(ack publisher.Ack, err error) {
			if err != nil {
				t.Errorf("publish %q: %v", data, err)
			}
			acks[i] = ack
		}
		if err := p.PublishRawAsync(patient(t), []byte(data), done); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(patient(t)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, msg := range stored(t, s) {
		got = append(got, string(msg.Data))
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	wantAcks := []publisher.Ack{{Stream: "PUSH", Seq: 1}, {Stream: "PUSH", Seq: 2}, {Stream: "PUSH", Seq: 3}}
	if diff := gocmp.Diff(wantAcks, acks); diff != "" {
		t.Errorf("acks (-want +got):\n%s", diff)
	}
}

func TestPublishRawAsyncRefusesWithoutCallback(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	p := newPublisher(t, nc, publisher.Config{})
	called := func(publisher.Ack, error) { t.Error("the callback was called after an error") }
	err := p.PublishRawAsync(t.Context(), []byte("{}"), called, publisher.Subject("push.>"))
	if !errors.Is(err, publisher.ErrRefused) {
		t.Errorf("PublishRawAsync to a wildcard returned %v", err)
	}
}
