package embedded

import (
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"
)

// logger routes the server's lines. Notices are debug lines of ours; a fatal one
// is handed to whoever waits for the server and does not end the process.
type logger struct {
	log   zerolog.Logger
	fatal chan<- string
}

var _ server.Logger = (*logger)(nil)

func (l *logger) Noticef(format string, v ...any) { l.log.Debug().Msgf("nats-server: "+format, v...) }

func (l *logger) Debugf(format string, v ...any) { l.log.Trace().Msgf("nats-server: "+format, v...) }

func (l *logger) Tracef(format string, v ...any) { l.log.Trace().Msgf("nats-server: "+format, v...) }

func (l *logger) Warnf(format string, v ...any) { l.log.Warn().Msgf("nats-server: "+format, v...) }

func (l *logger) Errorf(format string, v ...any) { l.log.Error().Msgf("nats-server: "+format, v...) }

func (l *logger) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default:
		l.log.Error().Msgf("nats-server: "+format, v...)
	}
}
