package main

import (
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/config"
)

// logger writes to stderr: lines for a person on a terminal, JSON elsewhere,
// unless the configuration says otherwise.
func (a *app) logger(c config.Log) zerolog.Logger {
	level, err := zerolog.ParseLevel(c.Level)
	if err != nil {
		level = zerolog.InfoLevel // config has checked it
	}
	w := zerolog.SyncWriter(a.stderr)
	if c.Format == "console" || c.Format == "auto" && a.isTerminal(a.stderr) {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.TimeOnly, NoColor: !a.colour(a.stderr)}
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}

// isTerminal reports whether f is a terminal.
func (a *app) isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// colour reports whether f may be coloured: a terminal, and no NO_COLOR
// (no-color.org) in the environment.
func (a *app) colour(f any) bool {
	return a.isTerminal(f) && !slices.ContainsFunc(a.env, func(v string) bool {
		return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR="
	})
}
