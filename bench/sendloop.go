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

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/api/option"

	"github.com/pushworker/pushworker/pkg/push"
)

// The loops have as many connections, and requests on each, as the handler has by
// default.
const (
	connections    = 8
	streamsPerConn = 90
)

// sendLoop is the yardstick of the FCM lane: Consume(1000), encoding/json, one
// request, async ack; nothing is retried, limited, counted or logged.
type sendLoop struct {
	client *http.Client
	url    string
	sdk    *messaging.Client // nil for raw requests
	work   chan jetstream.Msg
}

// serveSendLoop is a loop with the SDK's Send, or with a raw POST of equal bytes.
func serveSendLoop(ctx context.Context, options []byte) error {
	var o loopOptions
	if err := json.Unmarshal(options, &o); err != nil {
		return fmt.Errorf("read the options: %w", err)
	}
	transport, err := newSlots(o.CA)
	if err != nil {
		return err
	}
	l := &sendLoop{
		client: &http.Client{Transport: transport}, work: make(chan jetstream.Msg),
		url: o.Endpoint + "/projects/" + project + "/messages:send",
	}
	if !o.Raw {
		app, err := firebase.NewApp(ctx, &firebase.Config{ProjectID: project},
			option.WithHTTPClient(l.client), option.WithEndpoint(o.Endpoint))
		if err != nil {
			return fmt.Errorf("set up Firebase: %w", err)
		}
		if l.sdk, err = app.Messaging(ctx); err != nil {
			return fmt.Errorf("set up Firebase messaging: %w", err)
		}
	}
	for range connections * streamsPerConn {
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
		for u := range r.To {
			token := tokenOf(push.Uid(u))
			if l.sdk == nil {
				must(l.post(ctx, rawMessage(&r.Payload, token)))
				continue
			}
			_, err := l.sdk.Send(ctx, sdkMessage(&r.Payload, token))
			must(err)
		}
		must(msg.Ack())
	}
}

func (l *sendLoop) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return errors.New("answer " + resp.Status)
	}
	var answer struct {
		Name string `json:"name"`
	}
	return json.NewDecoder(resp.Body).Decode(&answer)
}

// data is what the handler's default configuration sends to apps.
func data(p *plainPayload) map[string]string {
	var text string
	must(json.Unmarshal(p.Content, &text))
	return map[string]string{
		"what": p.What, "topic": p.Topic, "ts": p.Timestamp.Format(time.RFC3339Nano), "xfrom": p.From,
		"seq": strconv.Itoa(p.SeqId), "mime": p.ContentType, "content": text[:128] + "…", "rc": `{"txt":` + strconv.Quote(text[:128]) + `}`,
	}
}

// ttl is what is left of the hour that a push lives by default.
func ttl(p *plainPayload) time.Duration {
	return time.Until(p.Timestamp.Add(time.Hour)).Truncate(time.Second)
}

func sdkMessage(p *plainPayload, token string) *messaging.Message {
	return &messaging.Message{Token: token, Data: data(p), Android: &messaging.AndroidConfig{Priority: "high", TTL: new(ttl(p))}}
}

// rawMessage is the body that the SDK makes of sdkMessage.
func rawMessage(p *plainPayload, token string) []byte {
	type android struct {
		Priority string `json:"priority"`
		TTL      string `json:"ttl"`
	}
	type message struct {
		Data    map[string]string `json:"data"`
		Android android           `json:"android"`
		Token   string            `json:"token"`
	}
	body, err := json.Marshal(map[string]message{"message": {
		Data: data(p), Token: token, Android: android{"high", strconv.Itoa(int(ttl(p)/time.Second)) + "s"},
	}})
	must(err)
	return body
}

// slots spreads requests over transports, each with one connection.
type slots chan *http.Transport

func newSlots(ca string) (slots, error) {
	pem, err := os.ReadFile(ca) //nolint:gosec // the bench has written it
	if err != nil {
		return nil, fmt.Errorf("read the fake's certificate: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	s := make(slots, connections*streamsPerConn) // an entry per slot
	var all [connections]*http.Transport
	for i := range all {
		all[i] = &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots}, MaxConnsPerHost: 1, DisableCompression: true,
			ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second,
		}
	}
	for i := range cap(s) {
		s <- all[i%connections]
	}
	return s, nil
}

// RoundTrip implements [http.RoundTripper].
func (s slots) RoundTrip(req *http.Request) (*http.Response, error) {
	t := <-s
	defer func() { s <- t }()
	req.Header.Set("Authorization", "Bearer any")
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
