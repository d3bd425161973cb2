// Package credential keeps fresh what a provider wants to see of us: an access token
// that a key is traded for, or one that we sign ourselves.
//
// It refuses to know what that is and how it is got, which a [Fetch] does, and how it
// is shown to the provider. What is lost at its border: the key, which only a fetch
// gets to see.
package credential
