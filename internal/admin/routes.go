package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net"
	"net/http"
	"net/http/pprof" // it registers with http.DefaultServeMux, which nobody serves
	"net/netip"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// routes are all routes; guard lets through who may see more than health and metrics.
func routes(o Options, guard func(http.Handler) http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /livez", livez(o.Alive))
	mux.Handle("GET /readyz", readyz(o.Ready))
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{
		ErrorHandling:     promhttp.ContinueOnError, // one faulty metric must not hide the others
		EnableOpenMetrics: true,                     // which has exemplars; who asks for the older text gets that
	}))
	mux.Handle("GET /status", guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(o.Status()) // the client is gone
	})))
	if o.SetLevel != nil {
		mux.Handle("PUT /loglevel", guard(logLevel(o.SetLevel)))
	}
	if o.Pprof {
		mux.Handle("GET /debug/pprof/", guard(http.HandlerFunc(pprof.Index)))
		mux.Handle("GET /debug/pprof/cmdline", guard(http.HandlerFunc(pprof.Cmdline)))
		mux.Handle("GET /debug/pprof/profile", guard(http.HandlerFunc(pprof.Profile)))
		mux.Handle("GET /debug/pprof/symbol", guard(http.HandlerFunc(pprof.Symbol)))
		mux.Handle("GET /debug/pprof/trace", guard(http.HandlerFunc(pprof.Trace)))
	}
	return http.MaxBytesHandler(hardened(mux), maxRequest)
}

// hardened tells browsers to show the answer as what it is and to nobody else.
func hardened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// open is the guard of a socket, which the file system guards.
func open(next http.Handler) http.Handler { return next }

// guard lets through who may see more than health and metrics: who has the token,
// or, if there is none, programs of this machine.
func guard(token string, local bool) func(http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			got := sha256.Sum256([]byte(given)) // hashes have one length, which the comparison needs
			switch {
			case token == "" && !local:
				http.Error(w, "closed: other machines can reach this address. Set PUSHWORKER_ADMIN_TOKEN or PUSHWORKER_ADMIN_TOKEN_FILE, "+
					"or let PUSHWORKER_ADMIN_ADDR be on loopback", http.StatusForbidden)
			case token == "" && !namesLoopback(r.Host):
				http.Error(w, "closed: without PUSHWORKER_ADMIN_TOKEN the address must be spelled localhost or as a loopback IP", http.StatusForbidden)
			case token != "" && subtle.ConstantTimeCompare(got[:], want[:]) != 1:
				w.Header().Set("WWW-Authenticate", "Bearer")
				http.Error(w, "send the header Authorization: Bearer <PUSHWORKER_ADMIN_TOKEN>", http.StatusUnauthorized)
			default:
				next.ServeHTTP(w, r)
			}
		})
	}
}

// namesLoopback reports whether a Host header names this machine. A browser that
// was sent here by a foreign page, whose name now resolves to loopback (DNS
// rebinding), says the foreign name.
func namesLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
