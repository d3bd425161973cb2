package app

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/cli/terminal"
)

// LogTime is the form of a log line's time in JSON: to the millisecond, since a
// receipt's whole life takes less than a second.
const LogTime = "2006-01-02T15:04:05.000Z07:00"

// Logger writes to stderr: lines for a person on a terminal, JSON elsewhere,
// unless the configuration says otherwise. JSON lines name the process, since the
// lines of many are read together.
func (a *App) Logger(c config.Log) zerolog.Logger {
	level, err := zerolog.ParseLevel(c.Level)
	if err != nil {
		level = zerolog.InfoLevel // config has checked it
	}
	w := zerolog.SyncWriter(a.Stderr)
	if c.Format == "console" || c.Format == "auto" && terminal.IsTerminal(a.Stderr) {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: "15:04:05.000", NoColor: !a.Colour(a.Stderr), FormatPrepare: makePrintable}
		return zerolog.New(w).Level(level).With().Timestamp().Logger()
	}
	if terminal.IsTerminal(a.Stderr) {
		w = terminal.SafeLines{Writer: w}
	}
	return zerolog.New(w).Level(level).With().Timestamp().Str("instance", instance()).Logger()
}

// makePrintable escapes in a log line for a terminal what does not print: providers and
// brokers word the errors in it.
func makePrintable(fields map[string]any) error {
	for name, value := range fields {
		if text, ok := value.(string); ok {
			fields[name] = terminal.OneLine(text)
		}
	}
	return nil
}

// instance names this process among the workers: the host and the process id.
func instance() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "-" + strconv.Itoa(os.Getpid())
}

// Recording reports whether programs read what the command says on stderr: a worker's
// is then all JSON, a line each, whether it is a log line, a greeting or the end. Before
// there is a configuration, and where there is none, the variable alone counts.
func (a *App) Recording(cmd *cobra.Command) bool {
	if cmd.Name() != "run" {
		return false
	}
	switch a.lookup("PUSHWORKER_LOG_FORMAT") {
	case "json":
		return true
	case "console":
		return false
	}
	return !terminal.IsTerminal(a.Stderr)
}

// Recorder is the log of a worker whose configuration is not known.
func (a *App) Recorder() zerolog.Logger { return a.Logger(config.Log{Level: "info", Format: "json"}) }

// lookup is a flag's value, or that of the variable; empty if there is neither.
func (a *App) lookup(variable string) string {
	if value, ok := a.Overrides[variable]; ok {
		return value
	}
	value := ""
	for _, v := range a.Env {
		if rest, ok := strings.CutPrefix(v, variable+"="); ok {
			value = rest
		}
	}
	return value
}

// Colour reports whether f may be coloured: a terminal, and no NO_COLOR
// (no-color.org) in the environment.
func (a *App) Colour(f any) bool {
	return terminal.IsTerminal(f) && !slices.ContainsFunc(a.Env, func(v string) bool {
		return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR="
	})
}
