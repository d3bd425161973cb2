package fcm

import (
	"fmt"
	"sync/atomic"
)

// foreignStreak is how many devices in a row may be of another project before our
// project is taken for the wrong one.
const foreignStreak = 20

// senderMismatch is the code of an answer that a token is another project's.
const senderMismatch = "sender-mismatch"

// foreign watches for the wrong project. A token of another project is dead to us and
// leaves the directory; but with another project's credentials all of them are, and
// the directory would be emptied.
type foreign struct{ streak atomic.Int64 }

// suspect turns the answer that a token is another project's into one about our
// credentials, once no device has been ours for too long.
func (f *foreign) suspect(a answer) answer {
	switch {
	case a.fate == accepted:
		if f.streak.Load() != 0 {
			f.streak.Store(0)
		}
	case a.code != senderMismatch:
	case f.streak.Add(1) >= foreignStreak:
		return answer{fate: badCredentials, code: a.code, tried: a.tried, err: fmt.Errorf(
			"FCM says of %d devices in a row that they belong to another project, and of none that it is ours: "+
				"check that credentials and project_id are those of the project that the apps use; no more devices are removed until one is ours", foreignStreak)}
	}
	return a
}
