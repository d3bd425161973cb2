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
	fakeapns "github.com/pushworker/pushworker/internal/fake/apns"
)

// apnsFlags are the flags of fake apns that are no options of the server.
type apnsFlags struct {
	common

	key, http string
}

func newAPNs(shared *app.App) *cobra.Command {
	a := command{shared}
	options := fakeapns.Options{Options: fake.Options{MaxStreams: 1000}}
	var f apnsFlags
	cmd := &cobra.Command{
		Use:   "apns",
		Short: "Run a stand-in for APNs, to try a set-up without a key of Apple's",
		Long: `Runs a stand-in for Apple's push service that is as strict as Apple's documents,
with failures from a script. It speaks HTTP/2 with TLS, and prints one line of
JSON per push. GET /fake/stats and /fake/requests show the requests, POST
/fake/script changes the script. docs/apns.md describes answers and tokens.`,
		Example: `  pushworker fake apns --key fake.p8 --ca ca.pem --reveal
  pushworker fake apns --sandbox --script outage.json --max-streams 50
  curl --cacert ca.pem https://127.0.0.1:9082/fake/stats`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runAPNs(cmd, options, f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.key, "key", "", "write a key for the fake to this `FILE`, as Apple's .p8")
	flags.StringVar(&options.KeyID, "key-id", fakeapns.DefaultKeyID, "the `ID` of that key")
	flags.StringVar(&options.TeamID, "team-id", fakeapns.DefaultTeamID, "the `ID` of its team")
	flags.BoolVar(&options.Sandbox, "sandbox", false, "be the sandbox, whose device tokens begin with 5a here")
	flags.Uint32Var(&options.MaxStreams, "max-streams", options.MaxStreams, "streams open per connection, at most `N`; one at first")
	flags.IntVar(&options.DevicePerMinute, "device-quota", 0, "at most `N` pushes a minute per device, 0 for any")
	flags.StringVar(&f.http, "http", "", "refused: APNs is served with TLS alone")
	f.bind(flags, &options.Options)
	flags.Lookup("tls").Usage = "`HOST:PORT` to listen on (default 127.0.0.1:9082)"
	_ = flags.MarkHidden("http")
	return cmd
}

func (a command) runAPNs(cmd *cobra.Command, options fakeapns.Options, f apnsFlags) error {
	if cmd.Flags().Changed("http") {
		return app.Usage(errors.New("--http: APNs is served over HTTP/2 with TLS alone; give the address to --tls, and write the certificate to a file with --ca"))
	}
	f.tls = cmp.Or(f.tls, "127.0.0.1:9082")
	if err := f.apply(a, cmd, &options.Options, fakeapns.ParseScript); err != nil {
		return err
	}
	server, err := fakeapns.Start(options)
	if _, wrong := errors.AsType[*fake.OptionsError](err); wrong {
		return app.Usage(err)
	}
	if err != nil {
		return err
	}
	if f.key != "" {
		if err := os.WriteFile(f.key, server.Key(), 0o600); err != nil {
			return errors.Join(fmt.Errorf("write the key: %w", err), server.Close())
		}
	}
	config := fmt.Sprintf(`"key_file":%q,"key_id":%q,"team_id":%q,"topic":"com.example.app","endpoint":%q`,
		cmp.Or(f.key, "fake.p8"), options.KeyID, options.TeamID, server.URL())
	if options.Sandbox {
		config += `,"environment":"sandbox"`
	}
	greeting := "fake APNs at " + server.URL() + "; for the worker:\n  SSL_CERT_FILE=" + cmp.Or(f.ca, "ca.pem") +
		` PUSHWORKER_HANDLERS='[{"name":"apns","config":{` + config + "}}]' pushworker run\n" +
		unwritten("--key", f.key, "fake.p8") + unwritten("--ca", f.ca, "ca.pem")
	return f.serve(a, cmd, server.Server, func() { _, _ = io.WriteString(a.Stderr, terminal.Printable(greeting)) })
}
