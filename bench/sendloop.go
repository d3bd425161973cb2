package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/pkg/push"
)

// streamsPerConn is how many requests the handlers have on a connection, and so the
// loops have as many.
const streamsPerConn = 90

// The loops that push.
const (
	sdkLoop     = "sdk loop"
	rawLoop     = "raw loop"
	apnsLoop    = "apns2 loop"
	tunedLoop   = "apns2 loop, tuned"
	webpushLoop = "webpush-go loop"
)

// sendFunc makes one push to a user's only device.
type sendFunc func(ctx context.Context, p *plainPayload, to push.Uid, unread int) error

// sendLoop is the yardstick of a lane with a provider: Consume(1000), encoding/json, one
// request, async ack; nothing is retried, limited, counted or logged.
type sendLoop struct {
	send sendFunc
	work chan jetstream.Msg
}

// serveSendLoop is a loop with as many requests in flight as the lane's handler has by
// default.
func serveSendLoop(ctx context.Context, options []byte) error {
	var o loopOptions
	if err := json.Unmarshal(options, &o); err != nil {
		return fmt.Errorf("read the options: %w", err)
	}
	loop := map[string]struct {
		inFlight int
		send     func(context.Context, loopOptions, *http.Client) (sendFunc, error)
	}{
		sdkLoop: {720, sdkSend}, rawLoop: {720, rawSend},
		apnsLoop: {720, apns2Send}, tunedLoop: {720, apns2Tuned}, webpushLoop: {1024, webpushGoSend},
	}[o.Role]
	transport, err := newSlots(o.CA, loop.inFlight)
	if err != nil {
		return err
	}
	l := &sendLoop{work: make(chan jetstream.Msg)}
	if l.send, err = loop.send(ctx, o, &http.Client{Transport: transport}); err != nil {
		return err
	}
	for range loop.inFlight {
		go l.run(ctx)
	}
	stop, err := consume(ctx, options, 1000, func(msg jetstream.Msg) { l.work <- msg })
	if err != nil {
		return err
	}
	defer stop()
	return serve(reply{}, func(question) (reply, error) { return reply{}, errors.New("the fake counts") })
}

func (l *sendLoop) run(ctx context.Context) {
	for msg := range l.work {
		r := decode(msg)
		for u, to := range r.To {
			must(l.send(ctx, &r.Payload, push.Uid(u), to.Unread))
		}
		must(msg.Ack())
	}
}

// data is what the handlers' default configuration sends to apps.
func data(p *plainPayload) map[string]string {
	text := preview(p)
	return map[string]string{
		"what": p.What, "topic": p.Topic, "ts": p.Timestamp.Format(time.RFC3339Nano), "xfrom": p.From,
		"seq": strconv.Itoa(p.SeqId), "mime": p.ContentType, "content": text + "…", "rc": `{"txt":` + strconv.Quote(text) + `}`,
	}
}

// preview is as much of the text as is sent.
func preview(p *plainPayload) string {
	var text string
	must(json.Unmarshal(p.Content, &text))
	return text[:128]
}

// ttl is what is left of the hour that a push lives by default.
func ttl(p *plainPayload) time.Duration {
	return time.Until(p.Timestamp.Add(time.Hour)).Truncate(time.Second)
}

// slots spreads requests over transports, each with one connection.
type slots chan *http.Transport

func newSlots(ca string, inFlight int) (slots, error) {
	pem, err := os.ReadFile(ca) //nolint:gosec // the bench has written it
	if err != nil {
		return nil, fmt.Errorf("read the fake's certificate: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	s := make(slots, inFlight) // an entry per slot
	all := make([]*http.Transport, (inFlight+streamsPerConn-1)/streamsPerConn)
	for i := range all {
		all[i] = &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots}, MaxConnsPerHost: 1, DisableCompression: true,
			ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second,
		}
	}
	for i := range cap(s) {
		s <- all[i%len(all)]
	}
	return s, nil
}

// RoundTrip implements [http.RoundTripper].
func (s slots) RoundTrip(req *http.Request) (*http.Response, error) {
	t := <-s
	defer func() { s <- t }()
	resp, err := t.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
