package push

import (
	"fmt"
	"io"
	"time"
)

// Extra is what tells the devices of several apps of one provider apart, and what some
// providers need beside a token. It is shared by copies of a [Device]: read it only.
type Extra struct {
	// App is what the provider knows the app by: a Firebase project, a bundle id, the
	// id of a VAPID key. Empty is the only one.
	App string `json:"app,omitempty"`
	// Kind is empty, or "voip" for a token that takes calls only. It is part of the
	// device's identity: a phone has one token of each kind.
	Kind string `json:"kind,omitempty"`
	// Env is the provider's environment in which the token is valid, "production" or
	// "sandbox", or empty for the one that its handler is configured for.
	Env string `json:"env,omitempty"`
	// Keys are those of a web push subscription.
	Keys Keys `json:"keys,omitzero"`
	// Activated says that the app has given back the token of a test push to this token;
	// see [Activator].
	Activated bool `json:"activated,omitempty"`
	// Failing says why nothing reaches the device, and since when; zero if something does,
	// as far as is known. See [Failer].
	Failing Failing `json:"failing,omitzero"`
}

// Failing is a failure that lasts.
type Failing struct {
	// Why is a short code, such as "away".
	Why string `json:"why"`
	// Since is when it was first seen, with nothing else after it.
	Since time.Time `json:"since"`
}

// Keys encrypt what is sent to a web push subscription. They are secret like a token,
// and no verb of [fmt] prints them.
type Keys struct {
	// P256DH is the public key of the subscription, in base64url.
	P256DH string `json:"p256dh,omitempty"`
	// Auth is the secret of the subscription, in base64url.
	Auth string `json:"auth,omitempty"`
}

// Format implements [fmt.Formatter].
func (k Keys) Format(f fmt.State, _ rune) {
	text := "no keys"
	if k != (Keys{}) {
		text = "keys"
	}
	_, _ = io.WriteString(f, text)
}
