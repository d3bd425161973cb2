package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/SherClockHolmes/webpush-go"
	"github.com/sideshow/apns2"
	"github.com/sideshow/apns2/payload"
	"github.com/sideshow/apns2/token"

	fakeapns "github.com/pushworker/pushworker/internal/fake/apns"
	"github.com/pushworker/pushworker/pkg/push"
)

// bundle is the app of all devices of Apple's.
const bundle = "com.example.app"

// apns2Send is Push of sideshow/apns2 over its own transport, which has one connection as
// long as Apple allows enough requests on it.
func apns2Send(ctx context.Context, o loopOptions, _ *http.Client) (sendFunc, error) {
	return apns2Tuned(ctx, o, nil)
}

// apns2Tuned is the same over client, unless that is nil: with as many connections as the
// lane has.
func apns2Tuned(_ context.Context, o loopOptions, client *http.Client) (sendFunc, error) {
	key, err := token.AuthKeyFromFile(o.Credentials)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	c := apns2.NewTokenClient(&token.Token{AuthKey: key, KeyID: fakeapns.DefaultKeyID, TeamID: fakeapns.DefaultTeamID})
	c.Host = o.Endpoint
	if client != nil {
		c.HTTPClient = client
	}
	return func(ctx context.Context, p *plainPayload, to push.Uid, unread int) error {
		resp, err := c.PushWithContext(ctx, &apns2.Notification{
			DeviceToken: apnsToken(to), Topic: bundle, PushType: apns2.PushTypeAlert, Priority: apns2.PriorityHigh,
			CollapseID: p.Topic, Expiration: time.Now().Add(ttl(p)), Payload: apnsPayload(p, unread),
		})
		if err == nil && !resp.Sent() {
			err = errors.New("answer " + resp.Reason)
		}
		return err
	}, nil
}

func apnsPayload(p *plainPayload, unread int) *payload.Payload {
	made := payload.NewPayload().AlertBody(preview(p) + "…").Badge(unread).Sound("default").
		ThreadID(p.Topic).MutableContent()
	for name, value := range data(p) {
		made.Custom(name, value)
	}
	return made
}

// apnsToken is the token of a user's only device of Apple's.
func apnsToken(u push.Uid) string { return fmt.Sprintf("%064x", uint64(u)) }

// webpushGoSend is SendNotification of webpush-go, which pads each message to 4,096
// bytes by default.
func webpushGoSend(_ context.Context, o loopOptions, client *http.Client) (sendFunc, error) {
	private, public, err := webpush.GenerateVAPIDKeys()
	if err != nil {
		return nil, fmt.Errorf("make a VAPID key: %w", err)
	}
	subscription, err := readSubscription(o.Credentials)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, p *plainPayload, to push.Uid, unread int) error {
		body, err := json.Marshal(declarative(p, unread))
		if err != nil {
			return fmt.Errorf("encode a message: %w", err)
		}
		resp, err := webpush.SendNotificationWithContext(ctx, body, subscription(to), &webpush.Options{
			HTTPClient: client, Subscriber: "push@example.com", TTL: int(ttl(p) / time.Second), Urgency: webpush.UrgencyNormal,
			VAPIDPublicKey: public, VAPIDPrivateKey: private,
		})
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusCreated {
			return fmt.Errorf("answer %s: %s", resp.Status, text)
		}
		return nil
	}, nil
}

// declarative is the message that the handler webpush makes by default.
func declarative(p *plainPayload, unread int) map[string]any {
	return map[string]any{
		"web_push": 8030, "mutable": true, "app_badge": unread,
		"notification": map[string]any{
			"title": "New message", "navigate": linkBase + p.Topic, "body": preview(p) + "…", "tag": p.Topic, "data": data(p),
		},
	}
}

// linkBase and a topic are where a click leads.
const linkBase = "https://chat.example.com/#"
