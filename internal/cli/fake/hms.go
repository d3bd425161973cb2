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
	fakehms "github.com/pushworker/pushworker/internal/fake/hms"
)

// hmsFlags are the flags of fake hms that are no options of the server.
type hmsFlags struct {
	common

	credentials string
	v1          bool
}

func newHMS(shared *app.App) *cobra.Command {
	a := command{shared}
	options := fakehms.Options{Options: fake.Options{MaxStreams: 100}}
	var f hmsFlags
	cmd := &cobra.Command{
		Use:   "hms",
		Short: "Run a stand-in for Huawei's Push Kit",
		Long: `Runs a stand-in for Huawei's Push Kit, as strict as Huawei's documents, with
failures from a script: the APIs v3 (HarmonyOS) and v1 (HMS Core on Android),
and the token endpoint of v1. It prints one line of JSON per device and push.
GET /fake/stats and /fake/requests show what came, POST /fake/script changes
the script. docs/hms.md describes messages and answers.`,
		Example: `  pushworker fake hms --credentials fake.json --reveal
  pushworker fake hms --credentials fake.json --v1
  pushworker fake hms --script outage.json --tls 127.0.0.1:9443 --ca ca.pem`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runHMS(cmd, options, f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&options.Addr, "http", "127.0.0.1:9084", "`HOST:PORT` to listen on (default 127.0.0.1:9084)")
	flags.StringVar(&f.credentials, "credentials", "", "write credentials for the fake to this `FILE`")
	flags.BoolVar(&f.v1, "v1", false, "let them be those of an app, for the API v1")
	f.bind(flags, &options.Options)
	return cmd
}

func (a command) runHMS(cmd *cobra.Command, options fakehms.Options, f hmsFlags) error {
	if err := f.apply(a, cmd, &options.Options, fakehms.ParseScript); err != nil {
		return err
	}
	server, err := fakehms.Start(options)
	if _, wrong := errors.AsType[*fake.OptionsError](err); wrong {
		return app.Usage(err)
	}
	if err != nil {
		return err
	}
	text, more := server.Account(), ""
	if f.v1 {
		text, more = server.App(), fmt.Sprintf(`,"token_endpoint":%q`, server.URL()+"/oauth2/v3/token")
	}
	if f.credentials != "" {
		if err := os.WriteFile(f.credentials, text, 0o600); err != nil {
			return errors.Join(fmt.Errorf("write the credentials: %w", err), server.Close())
		}
	}
	config := fmt.Sprintf(`"credentials_file":%q,"endpoint":%q%s`, cmp.Or(f.credentials, "fake.json"), server.URL(), more)
	greeting := "fake Push Kit at " + server.URL() + "; for the worker:\n  PUSHWORKER_HANDLERS='" +
		`[{"name":"hms","config":{` + config + "}}]' pushworker run\n" +
		unwritten("--credentials", f.credentials, "fake.json")
	return f.serve(a, cmd, server.Server, func() { _, _ = io.WriteString(a.Stderr, terminal.Printable(greeting)) })
}
