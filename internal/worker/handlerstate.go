package worker

import (
	"context"
	"time"

	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/pkg/push"
)

// handlerStates are the handlers that can say how they are, by name.
type handlerStates map[string]push.Stater

func (hs *handlers) states() handlerStates {
	states := make(handlerStates)
	for _, h := range hs.enabled {
		if s, ok := h.handler.(push.Stater); ok {
			states[h.name] = s
		}
	}
	return states
}

// check is a check of readiness: that nothing of the handler has to be corrected. It only
// warns, as a provider that lets nobody in is no reason to take the process away.
func (s handlerStates) check(name string) admin.Check {
	return admin.Check{Name: "handler " + name, Run: func(context.Context) error {
		if problem := s[name].State().Problem; problem != nil {
			return admin.WarningError{Err: problem}
		}
		return nil
	}}
}

// addTo adds to a status what the handlers say.
func (s handlerStates) addTo(status *admin.Status) {
	for i, lane := range status.Lanes {
		h, ok := s[lane.Handler]
		if !ok {
			continue
		}
		state := h.State()
		if !state.CredentialsExpire.IsZero() {
			status.Lanes[i].CredentialsExpire = state.CredentialsExpire.UTC().Truncate(time.Second)
		}
		if state.Problem != nil {
			status.Lanes[i].Problem = state.Problem.Error()
		}
	}
}
