package fake

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/fake"
	fakewebhook "github.com/pushworker/pushworker/internal/fake/webhook"
)

// webhookFlags are the flags of fake webhook that are no options of the server.
type webhookFlags struct {
	common

	secrets []string
}

func newWebhook(shared *app.App) *cobra.Command {
	a := command{shared}
	options := fakewebhook.Options{Options: fake.Options{MaxStreams: 100}}
	var f webhookFlags
	cmd := &cobra.Command{
		Use:   "webhook",
		Short: "Run a stand-in for a receiver of webhooks",
		Long: `Runs a receiver of webhooks that checks each request as strictly as Standard
Webhooks allows, with failures from a script. It prints one line of JSON per
request. GET /fake/stats and /fake/requests show what came, POST /fake/script
changes the script. docs/webhook.md describes requests and answers.`,
		Example: `  pushworker fake webhook --reveal
  pushworker fake webhook --secret "whsec_$(openssl rand -base64 32)"
  curl 'http://127.0.0.1:9081/fake/stats?targets'`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runWebhook(cmd, options, f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&options.Addr, "http", "127.0.0.1:9081", "`HOST:PORT` to listen on (default 127.0.0.1:9081)")
	flags.StringArrayVar(&f.secrets, "secret", nil, "a `SECRET` of the handler; by default a new one")
	f.bind(flags, &options.Options)
	return cmd
}

func (a command) runWebhook(cmd *cobra.Command, options fakewebhook.Options, f webhookFlags) error {
	if err := f.apply(a, cmd, &options.Options, fakewebhook.ParseScript); err != nil {
		return err
	}
	options.Secrets = f.secrets
	if len(options.Secrets) == 0 {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		options.Secrets = []string{"whsec_" + base64.StdEncoding.EncodeToString(key)}
	}
	server, err := fakewebhook.Start(options)
	if _, wrong := errors.AsType[*fake.OptionsError](err); wrong {
		return app.Usage(err)
	}
	if err != nil {
		return err
	}
	greeting := "fake webhook receiver at " + server.URL() + "/; for the worker:\n"
	if len(f.secrets) == 0 {
		greeting += `  PUSHWORKER_HANDLERS='[{"name":"webhook","config":{"url":"` + server.URL() + `/","allow_private":true,"secrets":["` + options.Secrets[0] + `"]}}]' pushworker run` + "\n"
	} else {
		greeting += `  {"name":"webhook","config":{"url":"` + server.URL() + `/","allow_private":true,"secrets":["…"]}}` + "\n"
	}
	return f.serve(a, cmd, server.Server, func() { _, _ = io.WriteString(a.Stderr, terminal.Printable(greeting)) })
}
