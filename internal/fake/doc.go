// Package fake is what the stand-ins of all push providers have in common: it
// listens (HTTP/2 with and without TLS, HTTP/1.1), counts and logs requests, waits
// before it answers, and follows a [Script]: rules that say which request meets
// which answer, and what becomes of the connection. Below /fake/ it is watched and
// steered.
//
// It refuses to know any provider: what is asked, and in which words it is
// answered, is that of a [Kind], whose package lies below this one. What is lost at
// its border: a request is held in memory whole, and its answer too.
package fake
