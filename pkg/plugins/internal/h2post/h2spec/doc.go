// Package h2spec runs the cases that h2spec has for HTTP/2 clients (RFC 7540 and 7541)
// against package h2post. It is a module of its own, because nothing else needs h2spec.
// It knows nothing of what is posted.
package h2spec
