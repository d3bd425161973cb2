// Package vapid has the commands about the keys of Web Push (RFC 8292).
package vapid

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/worker"
)

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command vapid.
func New(shared *app.App) *cobra.Command {
	a := command{shared}
	cmd := &cobra.Command{
		Use:   "vapid",
		Short: "Make the keys of Web Push, and show their public halves",
		Example: `  pushworker vapid generate
  pushworker vapid public`,
		Args: app.UnknownCommand,
		RunE: app.ShowHelp,
	}
	cmd.AddCommand(newGenerate(a), newPublic(a))
	return cmd
}

// pair is a key pair; both halves are in base64url.
type pair struct {
	ID     string `json:"id"`
	Key    string `json:"key,omitempty"`
	Public string `json:"public"`
}

func newGenerate(a command) *cobra.Command {
	id := time.Now().UTC().Format(time.DateOnly)
	var out terminal.Format
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Make a VAPID key pair for the handler webpush",
		Long: `Makes a key pair. The private key goes first into the list "vapid" of the
handler's config, as {"id":"…","key":"…"}; keep the old ones, because browsers
that subscribed with them stay theirs. The public key is the
applicationServerKey with which browsers subscribe.`,
		Example: `  pushworker vapid generate
  pushworker vapid generate -o json | jq '{id,key}'`,
		Args: app.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			key, err := ecdh.P256().GenerateKey(rand.Reader)
			if err != nil {
				return fmt.Errorf("make a key: %w", err)
			}
			return a.print(out, pair{ID: id, Key: base64.RawURLEncoding.EncodeToString(key.Bytes()), Public: public(key)})
		},
	}
	cmd.Flags().StringVar(&id, "id", id, "`NAME` of the key in the config")
	terminal.AddFormat(cmd, &out)
	return cmd
}

func newPublic(a command) *cobra.Command {
	var out terminal.Format
	cmd := &cobra.Command{
		Use:   "public [FILE|-]",
		Short: "Show the public halves of VAPID keys",
		Long: `Shows the public keys of the handlers of type webpush in PUSHWORKER_HANDLERS, or
of the private key in a file; - is standard input. Browsers subscribe with the
public key of the first one.`,
		Example: `  pushworker vapid public
  pushworker vapid public vapid.key`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			pairs, err := a.pairs(args)
			if err != nil {
				return err
			}
			return a.print(out, pairs...)
		},
	}
	terminal.AddFormat(cmd, &out)
	return cmd
}

// pairs are the key in the file that args name, or else those of the config.
func (a command) pairs(args []string) ([]pair, error) {
	if len(args) == 0 {
		return a.configured()
	}
	in, name, err := a.Open(args[0], "the private key")
	if err != nil {
		return nil, app.Data(err)
	}
	defer func() { _ = in.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(in, 1<<10))
	if err != nil {
		return nil, app.Data(fmt.Errorf("read %s: %w", name, err))
	}
	p, err := read(pair{Key: strings.TrimSpace(string(text))})
	if err != nil {
		return nil, app.Data(fmt.Errorf("%s: %w", name, err))
	}
	return []pair{p}, nil
}

// configured are the keys of the handlers, in their order.
func (a command) configured() (all []pair, err error) {
	c, err := a.Config()
	if err != nil {
		return nil, err
	}
	for _, h := range c.Handlers {
		var config struct {
			VAPID []pair `json:"vapid"`
		}
		if h.Type != "webpush" || json.Unmarshal(h.Config, &config) != nil { // config check says what is wrong
			continue
		}
		for i, p := range config.VAPID {
			if p, err = read(p); err != nil {
				return nil, fmt.Errorf("%w: handler %q: key %d of vapid: %w", worker.ErrHandlers, h.Name, i+1, err)
			}
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: none is of type webpush and has a key: set one in PUSHWORKER_HANDLERS, or name a file with a private key", worker.ErrHandlers)
	}
	return all, nil
}

var errKey = errors.New("this is no private VAPID key: want 32 bytes in base64url, as pushworker vapid generate makes them")

// read is p with its public half, and without the private one.
func read(p pair) (pair, error) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(p.Key, "="))
	if err != nil {
		return p, errKey
	}
	key, err := ecdh.P256().NewPrivateKey(raw)
	if err != nil {
		return p, errKey
	}
	return pair{ID: p.ID, Public: public(key)}, nil
}

func public(key *ecdh.PrivateKey) string {
	return base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes())
}

// print writes keys in full, whatever the terminal's width is.
func (a command) print(out terminal.Format, pairs ...pair) error {
	list := terminal.NewList(a.Stdout, 0, out)
	for _, p := range pairs {
		var lines []string
		for _, of := range [][2]string{{"id", p.ID}, {"key", p.Key}, {"public", p.Public}} {
			if of[1] != "" {
				lines = append(lines, fmt.Sprintf("%-7s %s", of[0], terminal.OneLine(of[1])))
			}
		}
		list.Add(p, strings.Join(lines, "\n"))
	}
	return list.Close()
}
