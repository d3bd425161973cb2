package worker

import (
	"fmt"
	"os"
	"strings"

	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/pkg/publisher"
)

// sample is the receipt that the greeting shows how to publish.
const sample = `{"to":{"782riWdFIwE":{"unread":1}},"payload":{"what":"msg","topic":"grpnG99YhENiQU","from":"usrEDJUdpi63P4","seq":1,"content":"Hello"}}`

// greet tells a human where everything is and how to try it; without one it is a line
// of the log.
func (w Worker) greet(server *embedded.Server, hs *handlers) {
	if w.Banner == nil {
		w.logStart(server, hs)
		return
	}
	var b strings.Builder
	line := func(label, text string) { fmt.Fprintf(&b, "  %-8s %s\n", label, text) }
	fmt.Fprintf(&b, "pushworker %s\n", w.Version)
	if server == nil {
		line("broker", w.Config.NATS.URL.String())
	} else {
		line("broker", server.ClientURL()+", embedded, store in "+w.Config.DataDir)
		line("", w.durability())
	}
	line("lanes", strings.Join(hs.names(), ", "))
	if len(hs.dry) > 0 {
		line("dry run", strings.Join(hs.dry, ", ")+`: the provider checks pushes and delivers none; remove "dry_run" to deliver them`)
	}
	if len(hs.disabled) > 0 {
		line("off", strings.Join(hs.disabled, ", "))
	}
	line("admin", "http://"+w.Config.Admin.Addr+"/status, /metrics, /readyz")
	fmt.Fprintf(&b, "Publish a receipt from another terminal, either way:\n")
	url, subject := w.Config.NATS.URL.String(), ""
	if server != nil {
		url = server.ClientURL()
	}
	if w.Config.Embedded.Token.IsSet() && server != nil {
		fmt.Fprintln(&b, "  export PUSHWORKER_NATS_TOKEN=the-token   # nats takes it with --user")
	}
	if w.Config.Subject != publisher.DefaultSubject {
		subject = " --subject " + w.Config.Subject
	}
	fmt.Fprintf(&b, "  echo '%s' | %s publish --nats-url %s%s\n", sample, os.Args[0], url, subject)
	fmt.Fprintf(&b, "  nats --server %s pub %s '%s'\n", url, w.Config.Subject, sample)
	fmt.Fprint(w.Banner, b.String()) //nolint:errcheck // a human who cannot be told is no reason to stop
}

// logStart is greet without a human.
func (w Worker) logStart(server *embedded.Server, hs *handlers) {
	url := w.Config.NATS.URL.String()
	if server != nil {
		url = server.ClientURL()
	}
	w.Log.Info().Str("version", w.Version).Str("broker", url).Bool("embedded", server != nil).Strs("lanes", hs.names()).
		Strs("disabled", hs.disabled).Str("admin", w.Config.Admin.Addr).Msg("started")
	if len(hs.dry) > 0 {
		w.Log.Warn().Strs("lanes", hs.dry).Msg("dry run: the provider checks pushes and delivers none; remove \"dry_run\" to deliver them")
	}
}

// durability says what a confirmed publish survives with the embedded broker.
func (w Worker) durability() string {
	if w.Config.Embedded.Sync == "always" {
		return "every publish is on disk before it is confirmed"
	}
	return "a crash loses nothing; a power cut may cost the last seconds (PUSHWORKER_EMBEDDED_SYNC=always prevents that)"
}
