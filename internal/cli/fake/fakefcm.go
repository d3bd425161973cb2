// Package fake has the commands that run stand-ins for providers.
package fake

import (
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
	script, credentials, project, caOut string
	quiet                               bool
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
	flags.StringVar(&options.Addr, "addr", "127.0.0.1:9080", "`HOST:PORT` to listen on (default 127.0.0.1:9080)")
	flags.StringVar(&f.credentials, "credentials", "", "write a service account for the fake to this `FILE`")
	flags.StringVar(&f.project, "project", "demo", "project `ID` of that service account")
	flags.BoolVar(&options.AnyBearer, "any-token", false, "accept every access token, not only ours")
	flags.StringVar(&f.script, "script", "", "follow the rules in this JSON `FILE`")
	flags.Var((*app.Length)(&options.Latency), "latency", "wait this `DURATION` before each answer")
	flags.Uint32Var(&options.MaxStreams, "max-streams", options.MaxStreams, "HTTP/2 streams open per connection, at most `N`")
	flags.IntVar(&options.ProjectPerMinute, "project-quota", 0, "at most `N` requests a minute per project, 0 for any")
	flags.IntVar(&options.DevicePerMinute, "device-quota", 0, "at most `N` messages a minute per token, 0 for any")
	flags.Var((*app.Length)(&options.TokenLifetime), "token-life", "how long an access token lives; 0 for 59m59s")
	flags.BoolVar(&options.TLS, "tls", false, "serve HTTPS with a certificate made at the start")
	flags.StringVar(&f.caOut, "ca-out", "", "write that certificate to this `FILE`, for clients")
	flags.StringVar(&options.CertFile, "cert", "", "serve HTTPS with the certificate in this `FILE`")
	flags.StringVar(&options.KeyFile, "key", "", "`FILE` with the key of --cert")
	flags.BoolVar(&options.Reveal, "reveal", false, "show tokens and messages")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print no line per push")
	return cmd
}

func (a command) runFakeFCM(cmd *cobra.Command, options fakefcm.Options, f fakeFCMFlags) error {
	if f.script != "" {
		script, err := readScript(f.script)
		if err != nil {
			return err
		}
		options.Script = script
	}
	if !f.quiet {
		options.Log = terminal.SafeLines{Writer: a.Stdout}
	}
	server, err := fakefcm.Start(options)
	if _, wrong := errors.AsType[*fake.OptionsError](err); wrong {
		return app.Usage(err)
	}
	if err != nil {
		return err
	}
	err = writeFakeFiles(server, f)
	if err == nil {
		a.greetFake(server, f)
		<-cmd.Context().Done()
		stats := server.Stats()
		a.Say("%d requests, %d messages accepted, %d connections", stats.Requests, stats.Accepted, stats.Connections)
	}
	return errors.Join(err, server.Close())
}

func readScript(file string) (fake.Script, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return fake.Script{}, app.Data(fmt.Errorf("read the script: %w", err))
	}
	script, err := fakefcm.ParseScript(text)
	if err != nil {
		return fake.Script{}, app.Data(fmt.Errorf("%s: %w", file, err))
	}
	return script, nil
}

// writeFakeFiles leaves what clients need.
func writeFakeFiles(server *fakefcm.Server, f fakeFCMFlags) error {
	if f.caOut != "" {
		if server.CAPEM() == nil {
			return app.Usage(errors.New("--ca-out needs --tls: without it there is no certificate"))
		}
		if err := os.WriteFile(f.caOut, server.CAPEM(), 0o644); err != nil { //nolint:gosec // a certificate is public
			return fmt.Errorf("write the certificate: %w", err)
		}
	}
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
	config := `"endpoint":"` + server.URL() + `/v1"`
	if f.credentials != "" {
		config = `"credentials_file":"` + f.credentials + `",` + config
	}
	_, _ = io.WriteString(a.Stderr, terminal.Printable("fake FCM at "+server.URL()+"; for the worker:\n"+
		`  PUSHWORKER_HANDLERS='[{"name":"fcm","config":{"enabled":true,`+config+`}}]' pushworker run`+"\n"))
}
