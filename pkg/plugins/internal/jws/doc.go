// Package jws signs what we claim to a provider, as a JSON Web Token in the compact
// form (RFC 7519, RFC 7515): with ES256 as Apple and Web Push want it, with PS256 as
// Huawei does (RFC 7518, sections 3.4 and 3.5).
//
// It refuses to know claims, and how long they hold. Nothing is lost at its border; the
// key does not leave it.
package jws
