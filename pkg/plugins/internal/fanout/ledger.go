package fanout

import (
	"strings"

	"github.com/pushworker/pushworker/pkg/push"
)

// A receipt's ledger, the devices of its recipients, names a device by its id. Devices
// that share an id, as those of several apps and kinds of one phone may, are named in
// full: id, app and kind, with a separator that neither has, nor any token.
const separator = "\x1f"

// row is a device without its token, as a ledger tells it from others.
type row struct {
	user          push.Uid
	id, app, kind string
}

func rowOf(d push.Device) row {
	more := d.More()
	return row{user: d.User, id: d.ID, app: more.App, kind: more.Kind}
}

func (r row) name() string { return r.id + separator + r.app + separator + r.kind }

// namesake is what all devices of a user have in common that share an id.
func (r row) namesake() row { return row{user: r.user, id: r.id} }

// remainder are the devices that a ledger must not name.
type remainder struct{ rows, namesakes map[row]struct{} }

func newRemainder(of []outstanding) remainder {
	r := remainder{make(map[row]struct{}, len(of)), make(map[row]struct{}, len(of))}
	for _, o := range of {
		row := rowOf(o.device)
		r.rows[row], r.namesakes[row.namesake()] = struct{}{}, struct{}{}
	}
	return r
}

// entry is what a ledger says of d, so that it speaks of none that remains; false if d
// remains itself.
func (r remainder) entry(d push.Device) (name string, ok bool) {
	row := rowOf(d)
	if _, remains := r.rows[row]; remains {
		return "", false
	}
	if _, shared := r.namesakes[row]; row == row.namesake() && !shared {
		return d.ID, true
	}
	return row.name(), true
}

// Named reports whether a ledger has an entry for d. An id alone stands for all devices
// that have it: chat servers write it so, and so did older versions when none of them
// remained.
func Named(ledger []string, d push.Device) bool {
	for _, entry := range ledger {
		rest, ok := strings.CutPrefix(entry, d.ID)
		if ok && (rest == "" || entry == rowOf(d).name()) {
			return true
		}
	}
	return false
}
