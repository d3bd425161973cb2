package main

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
)

// logTime is the form of a log line's time in JSON: to the millisecond, since a
// receipt's whole life takes less than a second.
const logTime = "2006-01-02T15:04:05.000Z07:00"

// logger writes to stderr: lines for a person on a terminal, JSON elsewhere,
// unless the configuration says otherwise. JSON lines name the process, since the
// lines of many are read together.
func (a *app) logger(c config.Log) zerolog.Logger {
	level, err := zerolog.ParseLevel(c.Level)
	if err != nil {
		level = zerolog.InfoLevel // config has checked it
	}
	w := zerolog.SyncWriter(a.stderr)
	if c.Format == "console" || c.Format == "auto" && isTerminal(a.stderr) {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: "15:04:05.000", NoColor: !a.colour(a.stderr)}
		return zerolog.New(w).Level(level).With().Timestamp().Logger()
	}
	return zerolog.New(w).Level(level).With().Timestamp().Str("instance", instance()).Logger()
}

// instance names this process among the workers: the host and the process id.
func instance() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "-" + strconv.Itoa(os.Getpid())
}

// recording reports whether programs read what the command says on stderr: a worker's
// is then all JSON, a line each, whether it is a log line, a greeting or the end. Before
// there is a configuration, and where there is none, the variable alone counts.
func (a *app) recording(cmd *cobra.Command) bool {
	if cmd.Name() != "run" {
		return false
	}
	switch a.lookup("PUSHWORKER_LOG_FORMAT") {
	case "json":
		return true
	case "console":
		return false
	}
	return !isTerminal(a.stderr)
}

// recorder is the log of a worker whose configuration is not known.
func (a *app) recorder() zerolog.Logger { return a.logger(config.Log{Level: "info", Format: "json"}) }

// lookup is a flag's value, or that of the variable; empty if there is neither.
func (a *app) lookup(variable string) string {
	if value, ok := a.overrides[variable]; ok {
		return value
	}
	value := ""
	for _, v := range a.env {
		if rest, ok := strings.CutPrefix(v, variable+"="); ok {
			value = rest
		}
	}
	return value
}

// colour reports whether f may be coloured: a terminal, and no NO_COLOR
// (no-color.org) in the environment.
func (a *app) colour(f any) bool {
	return isTerminal(f) && !slices.ContainsFunc(a.env, func(v string) bool {
		return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR="
	})
}
