package fake

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/fake"
)

// common are the flags that all fakes have beside the options of their servers.
type common struct {
	script, tls, ca string
	quiet           bool
}

// bind adds the flags, and those of o.
func (f *common) bind(flags *pflag.FlagSet, o *fake.Options) {
	flags.StringVar(&f.tls, "tls", "", "serve HTTPS at `HOST:PORT`, beside an --http given")
	flags.StringVar(&f.ca, "ca", "", "write the certificate, made at the start, to this `FILE`")
	f.bindRest(flags, o)
}

// bindRest adds those that are not about addresses.
func (f *common) bindRest(flags *pflag.FlagSet, o *fake.Options) {
	flags.StringVar(&f.script, "script", "", "follow the rules in this JSON `FILE`")
	flags.Var((*app.Length)(&o.Latency), "latency", "`DURATION` between a request and its answer")
	flags.BoolVar(&o.Reveal, "reveal", false, "show what is secret in the lines and below /fake/")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print no line per request")
}

// apply puts into o what the flags say.
func (f *common) apply(a command, cmd *cobra.Command, o *fake.Options, parse func([]byte) (fake.Script, error)) error {
	switch {
	case f.tls != "" && (cmd.Flags().Changed("http") || cmd.Flags().Changed("addr")):
		o.TLSAddr = f.tls
	case f.tls != "":
		o.Addr, o.TLS = f.tls, true
	}
	if f.ca != "" && !o.TLS && o.TLSAddr == "" && o.CertFile == "" {
		name := "ca"
		if cmd.Flags().Lookup(name) == nil {
			name = "ca-out" // as fakefcm calls it
		}
		return app.Usage(fmt.Errorf("--%s needs --tls: without it there is no certificate", name))
	}
	if !f.quiet {
		o.Log = terminal.SafeLines{Writer: a.Stdout}
	}
	if f.script == "" {
		return nil
	}
	text, err := os.ReadFile(f.script)
	if err != nil {
		return app.Data(fmt.Errorf("read the script: %w", err))
	}
	if o.Script, err = parse(text); err != nil {
		return app.Data(fmt.Errorf("%s: %w", f.script, err))
	}
	return nil
}

// unwritten says how to get a file that the printed line names and no flag had written.
func unwritten(flag, file, name string) string {
	if file != "" {
		return ""
	}
	return "the worker needs " + name + ": start the fake with " + flag + " " + name + "\n"
}

// serve runs a started server until the command is told to end.
func (f *common) serve(a command, cmd *cobra.Command, server *fake.Server, greet func()) error {
	var err error
	if f.ca != "" {
		if err = os.WriteFile(f.ca, server.CAPEM(), 0o644); err != nil { //nolint:gosec // a certificate is public
			err = fmt.Errorf("write the certificate: %w", err)
		}
	}
	if err == nil {
		greet()
		<-cmd.Context().Done()
		stats := server.Stats()
		a.Say("%d requests, %d messages accepted, %d connections", stats.Requests, stats.Accepted, stats.Connections)
	}
	return errors.Join(err, server.Close())
}
