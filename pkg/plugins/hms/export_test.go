package hms

import (
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// NewPatient is New for a peer in the same process, which looks dead while a busy machine gives it no
// processor.
func NewPatient(directory push.Directory) push.Handler { return newWith(directory, time.Minute) }
