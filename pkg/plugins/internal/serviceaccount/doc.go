// Package serviceaccount trades the key of a Google service account for access tokens.
// It reads the key as people have it, and says of what is none what it is instead.
//
// It refuses to know what the tokens are shown to. What is lost at its border: what the
// token endpoint says, but for its error code.
package serviceaccount
