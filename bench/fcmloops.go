package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"google.golang.org/api/option"

	"github.com/pushworker/pushworker/pkg/push"
)

// anyBearer shows the fake a token; it takes every one.
type anyBearer struct{ http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (a anyBearer) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Header.Set("Authorization", "Bearer any")
	return a.RoundTripper.RoundTrip(req) //nolint:wrapcheck // a RoundTripper passes errors on
}

// sdkSend is Send of the Firebase SDK.
func sdkSend(ctx context.Context, o loopOptions, client *http.Client) (sendFunc, error) {
	client.Transport = anyBearer{client.Transport}
	app, err := firebase.NewApp(ctx, &firebase.Config{ProjectID: project}, option.WithHTTPClient(client), option.WithEndpoint(o.Endpoint))
	if err != nil {
		return nil, fmt.Errorf("set up Firebase: %w", err)
	}
	sdk, err := app.Messaging(ctx)
	if err != nil {
		return nil, fmt.Errorf("set up Firebase messaging: %w", err)
	}
	return func(ctx context.Context, p *plainPayload, to push.Uid, _ int) error {
		_, err := sdk.Send(ctx, &messaging.Message{
			Token: tokenOf(to), Data: data(p), Android: &messaging.AndroidConfig{Priority: "high", TTL: new(ttl(p))},
		})
		return err
	}, nil
}

// rawSend is a POST of the body that the SDK makes.
func rawSend(_ context.Context, o loopOptions, client *http.Client) (sendFunc, error) {
	client.Transport = anyBearer{client.Transport}
	url := o.Endpoint + "/projects/" + project + "/messages:send"
	return func(ctx context.Context, p *plainPayload, to push.Uid, _ int) error {
		return post(ctx, client, url, rawMessage(p, tokenOf(to)))
	}, nil
}

func post(ctx context.Context, client *http.Client, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
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

// rawMessage is the body that the SDK makes.
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
