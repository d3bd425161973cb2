// Package fake has the commands that run stand-ins for providers.
package fake

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/fake"
	fakefcm "github.com/pushworker/pushworker/internal/fake/fcm"
)

// fakeFCMFlags are the flags of fakefcm that are no options of the server.
type fakeFCMFlags struct {
	common

	credentials, project string
}

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command fake, which holds the stand-ins of all providers.
func New(shared *app.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "fake",
		Short:   "Run a stand-in for a push provider, to try a set-up",
		Example: `  pushworker fake fcm --credentials fake.json --reveal`,
		Args:    app.UnknownCommand,
		RunE:    app.ShowHelp,
	}
	cmd.AddCommand(NewFCM(shared, "fcm"), newAPNs(shared), newWebpush(shared), newWebhook(shared), newHMS(shared))
	return cmd
}

// oldFCM is what fake fcm was called before there were others; its flags are as they were.
const oldFCM = "fakefcm"

// NewFCM returns the command by the name use: fake fcm, and fakefcm as it was called
// before there were others.
func NewFCM(shared *app.App, use string) *cobra.Command {
	a := command{shared}
	options := fakefcm.Options{Options: fake.Options{MaxStreams: 100}}
	var f fakeFCMFlags
	cmd := &cobra.Command{
		Use:   use,
		Short: "Run a stand-in for FCM, to try a set-up without a Google account",
		Long: `Runs a stand-in for Firebase Cloud Messaging. It is as strict as FCM, and a
script makes it fail. It prints one line of JSON per push, with a short hash
instead of the token unless --reveal is given. GET /fake/stats and
/fake/requests show the requests, POST /fake/script changes the script.
docs/fakefcm.md describes scripts and answers.`,
		Example: `  pushworker fake fcm --credentials fake.json --reveal
  PUSHWORKER_HANDLERS='[{"name":"fcm","config":{"enabled":true,
    "credentials_file":"fake.json","endpoint":"http://127.0.0.1:9080/v1"}}]' \
    pushworker run
  pushworker fake fcm --script outage.json --latency 50ms
  curl http://127.0.0.1:9080/fake/stats`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runFakeFCM(cmd, options, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	address := "http"
	if use == oldFCM {
		address = "addr"
	}
	flags.StringVar(&options.Addr, address, "127.0.0.1:9080", "`HOST:PORT` to listen on (default 127.0.0.1:9080)")
	flags.StringVar(&f.credentials, "credentials", "", "write a service account for the fake to this `FILE`")
	flags.StringVar(&f.project, "project", "demo", "project `ID` of that service account")
	flags.BoolVar(&options.AnyBearer, "any-token", false, "accept every access token, not only ours")
	flags.Uint32Var(&options.MaxStreams, "max-streams", options.MaxStreams, "HTTP/2 streams open per connection, at most `N`")
	flags.IntVar(&options.ProjectPerMinute, "project-quota", 0, "at most `N` requests a minute per project, 0 for any")
	flags.IntVar(&options.DevicePerMinute, "device-quota", 0, "at most `N` messages a minute per token, 0 for any")
	flags.Var((*app.Length)(&options.TokenLifetime), "token-life", "how long an access token lives; 0 for 59m59s")
	if use == oldFCM {
		flags.BoolVar(&options.TLS, "tls", false, "serve HTTPS with a certificate made at the start")
		flags.StringVar(&f.ca, "ca-out", "", "write that certificate to this `FILE`, for clients")
		f.bindRest(flags, &options.Options)
	} else {
		f.bind(flags, &options.Options)
		flags.StringVar(&options.Addr, "addr", "127.0.0.1:9080", "what --http is called in fakefcm")
		_ = flags.MarkHidden("addr")
	}
	flags.StringVar(&options.CertFile, "cert", "", "serve HTTPS with the certificate in this `FILE`")
	flags.StringVar(&options.KeyFile, "key", "", "`FILE` with the key of --cert")
	return cmd
}

func (a command) runFakeFCM(cmd *cobra.Command, options fakefcm.Options, f fakeFCMFlags) error {
	if err := f.apply(a, cmd, &options.Options, fakefcm.ParseScript); err != nil {
		return err
	}
	server, err := fakefcm.Start(options)
	if _, wrong := errors.AsType[*fake.OptionsError](err); wrong {
		return app.Usage(err)
	}
	if err != nil {
		return err
	}
	if err := writeAccount(server, f); err != nil {
		return errors.Join(err, server.Close())
	}
	return f.serve(a, cmd, server.Server, func() { a.greetFake(server, f) })
}

// writeAccount leaves what the handler needs.
func writeAccount(server *fakefcm.Server, f fakeFCMFlags) error {
	if f.credentials == "" {
		return nil
	}
	account, err := server.ServiceAccount(f.project)
	if err != nil {
		return err
	}
	if err := os.WriteFile(f.credentials, account, 0o600); err != nil {
		return fmt.Errorf("write the service account: %w", err)
	}
	return nil
}

// greetFake tells a human how to reach the server.
func (a command) greetFake(server *fakefcm.Server, f fakeFCMFlags) {
	config := fmt.Sprintf(`"credentials_file":%q,"endpoint":%q`, cmp.Or(f.credentials, "fake.json"), server.URL()+"/v1")
	_, _ = io.WriteString(a.Stderr, terminal.Printable("fake FCM at "+server.URL()+"; for the worker:\n"+
		`  PUSHWORKER_HANDLERS='[{"name":"fcm","config":{"enabled":true,`+config+`}}]' pushworker run`+"\n"+
		unwritten("--credentials", f.credentials, "fake.json")))
}
