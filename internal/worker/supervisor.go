package worker

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"
)

// supervisor is what has started the process and is told how it is: systemd, by
// sd_notify(3). A process that nobody supervises has a supervisor that does nothing.
type supervisor struct {
	// tell sends a state, such as READY=1.
	tell func(state string) (sent bool, err error)
	// every is how often the supervisor wants a sign of life; 0 if it wants none.
	every time.Duration
	// alive fails when a restart helps; see /livez.
	alive func(context.Context) error
	log   zerolog.Logger
}

// systemd is the supervisor that NOTIFY_SOCKET and WATCHDOG_USEC name.
func (w Worker) systemd() (supervisor, error) {
	limit, err := daemon.SdWatchdogEnabled(false)
	return supervisor{
		tell: func(state string) (bool, error) { return daemon.SdNotify(false, state) }, //nolint:wrapcheck // logged as it is
		// Half the limit, as sd_watchdog_enabled(3) advises.
		every: limit / 2,
		alive: func(ctx context.Context) error {
			_, err := AskHealth(ctx, w.Config, "/livez")
			return err
		},
		log: w.Log,
	}, err //nolint:wrapcheck // it names the variable
}

// watch tells that the process is up, that it lives, and, when stopping ends, that it
// stops. It returns when ended ends.
//
// Up means that the configuration is sound and the admin address answers. It does not
// mean that there is a broker: a worker waits for that, and a supervisor that ended
// it meanwhile would not help.
func (s supervisor) watch(stopping, ended context.Context) {
	s.say(daemon.SdNotifyReady)
	defer s.sayStop(stopping)()
	if s.every <= 0 {
		<-ended.Done()
		return
	}
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		if err := s.alive(ended); err == nil {
			s.say(daemon.SdNotifyWatchdog)
		} else if ended.Err() == nil {
			s.log.Error().Err(err).Msg("the worker is not alive: systemd restarts it at the end of WatchdogSec")
		}
		select {
		case <-tick.C:
		case <-ended.Done():
			return
		}
	}
}

// sayStop tells that the process stops when stopping ends. What it returns waits until
// that is told: a process that ends at once would not have said so.
func (s supervisor) sayStop(stopping context.Context) (settle func()) {
	told := make(chan struct{})
	withdraw := context.AfterFunc(stopping, func() {
		defer close(told)
		s.say(daemon.SdNotifyStopping)
	})
	return func() {
		switch {
		case !withdraw():
			<-told
		case stopping.Err() != nil: // it has ended just now
			s.say(daemon.SdNotifyStopping)
		}
	}
}

func (s supervisor) say(state string) {
	if _, err := s.tell(state); err != nil {
		s.log.Warn().Err(err).Str("state", state).Msg("systemd was not told of the worker's state: check NOTIFY_SOCKET")
	}
}
