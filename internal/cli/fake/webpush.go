package fake

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/fake"
	fakewebpush "github.com/pushworker/pushworker/internal/fake/webpush"
)

func newWebpush(shared *app.App) *cobra.Command {
	a := command{shared}
	options := fakewebpush.Options{Options: fake.Options{MaxStreams: 100}}
	var f common
	cmd := &cobra.Command{
		Use:   "webpush",
		Short: "Run a stand-in for a push server and its browsers",
		Long: `Runs a push server that checks each push as strictly as the RFCs allow, and
decrypts it as the browser does. It prints one line of JSON per push. GET
/subscription/NAME gives a subscription, /fake/stats and /fake/requests show
what came, POST /fake/script changes the script. See docs/webpush.md.`,
		Example: `  pushworker fake webpush --reveal
  curl http://127.0.0.1:9083/subscription/phone
  pushworker fake webpush --tls 127.0.0.1:9443 --ca ca.pem`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runWebpush(cmd, options, f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&options.Addr, "http", "127.0.0.1:9083", "`HOST:PORT` to listen on (default 127.0.0.1:9083)")
	flags.StringArrayVar(&options.Keys, "key", nil, "VAPID `PUBLIC` key of subscriptions; default any")
	f.bind(flags, &options.Options)
	return cmd
}

func (a command) runWebpush(cmd *cobra.Command, options fakewebpush.Options, f common) error {
	if err := f.apply(a, cmd, &options.Options, fakewebpush.ParseScript); err != nil {
		return err
	}
	server, err := fakewebpush.Start(options)
	if _, wrong := errors.AsType[*fake.OptionsError](err); wrong {
		return app.Usage(err)
	}
	if err != nil {
		return err
	}
	subscription, err := json.Marshal(server.Subscription("phone"))
	if err != nil {
		return errors.Join(err, server.Close())
	}
	greeting := "fake push server at " + server.URL() + "; for the worker, with a key of pushworker vapid generate:\n" +
		`  PUSHWORKER_HANDLERS='[{"name":"webpush","config":{"origins":["` + server.URL() + `"],"allow_private":["127.0.0.0/8"],` +
		`"vapid":[{"id":"1","key":"…"}],"subject":"mailto:you@example.com","url":"https://chat.example.com/#{topic}"}}]' pushworker run` + "\n" +
		"and for its directory:\n" +
		`  pushworker device put --user usr782riWdFIwE --id phone --provider webpush --platform web --token '` + string(subscription) + "'\n"
	return f.serve(a, cmd, server.Server, func() { _, _ = io.WriteString(a.Stderr, terminal.Printable(greeting)) })
}
