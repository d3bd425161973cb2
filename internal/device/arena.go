package device

import (
	"encoding/binary"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// chunks is into how many chunks the arena's room is divided, unless they are of
	// maxChunk bytes.
	chunks = 16
	// maxChunk holds any list of [MaxPerUser] devices.
	maxChunk = 512 << 10
	// costPerSpot is the share of a user in the map of spots, approximately.
	costPerSpot = 26
)

// arena keeps a record for each of many users in a few large pieces of memory, without
// pointers, so that a garbage collection has nothing to walk. When its room is used up
// the chunk that was written first is written again: records in it that were asked for
// since stay, and the others leave.
type arena struct {
	room   int      // 0 for as much as is needed: nobody leaves then
	live   int      // bytes of the records that are known
	size   int      // of a chunk
	chunks [][]byte // in the order in which they were filled; the last is being filled
	first  int      // the number of chunks[0]
	spots  map[push.Uid]spot
}

// spot is the number of a chunk in its upper half, and where the record is in it.
type spot uint64

// record is a header and the payload that pack wrote:
// user, revision and time (8 bytes each), length of the payload's place (4), flags (1).
type record []byte

const (
	atRevision = 8
	atTime     = 16
	atLength   = 24
	atFlags    = 28
	headLen    = 29

	isSure  = 1 // it was told, or is what another read said before
	isAsked = 2 // it was asked for since it was written
)

func newSpot(chunk, at int) spot { return spot(chunk)<<32 | spot(at) } //nolint:gosec // neither is negative

func (s spot) chunk() int { return int(s >> 32) }
func (s spot) at() int    { return int(s & (1<<32 - 1)) }

// recordIn is the record with which b begins.
func recordIn(b []byte) record {
	return b[:headLen+int(binary.LittleEndian.Uint32(b[atLength:]))]
}

func (r record) user() push.Uid    { return push.Uid(binary.LittleEndian.Uint64(r)) }
func (r record) revision() uint64  { return binary.LittleEndian.Uint64(r[atRevision:]) }
func (r record) at() time.Duration { return time.Duration(binary.LittleEndian.Uint64(r[atTime:])) } //nolint:gosec // see set
func (r record) sure() bool        { return r[atFlags]&isSure != 0 }
func (r record) asked()            { r[atFlags] |= isAsked }
func (r record) payload() []byte   { return r[headLen:] }

// set says of which revision a record is, when it was the newest, and whether that is sure.
func (r record) set(revision uint64, at time.Duration, sure bool) {
	binary.LittleEndian.PutUint64(r[atRevision:], revision)
	binary.LittleEndian.PutUint64(r[atTime:], uint64(at)) //nolint:gosec // since the cache was made
	if r[atFlags] &^= isSure; sure {
		r[atFlags] |= isSure
	}
}

func newArena(room int) arena {
	a := arena{room: room, size: maxChunk, spots: make(map[push.Uid]spot)}
	if room > 0 {
		a.size = min(room/chunks, maxChunk)
	}
	return a
}

// get returns the record of user, which is valid until the next call of put.
func (a *arena) get(user push.Uid) (record, bool) {
	s, ok := a.spots[user]
	if !ok {
		return nil, false
	}
	return recordIn(a.chunks[s.chunk()-a.first][s.at():]), true
}

// put keeps a record of user, in place of the one before. One that is larger than a chunk
// is not kept.
func (a *arena) put(user push.Uid, payload []byte) (record, bool) {
	if r, ok := a.get(user); ok && len(r) >= headLen+len(payload) {
		copy(r[headLen:], payload)
		return r, true
	}
	a.remove(user)
	need := headLen + len(payload)
	if need > a.size {
		return nil, false
	}
	a.makeRoom(need)
	r := a.next(user, need)
	clear(r[:headLen])
	binary.LittleEndian.PutUint64(r, uint64(user))
	binary.LittleEndian.PutUint32(r[atLength:], uint32(len(payload))) //nolint:gosec // at most maxChunk
	copy(r[headLen:], payload)
	return r, true
}

func (a *arena) remove(user push.Uid) {
	if r, ok := a.get(user); ok {
		a.live -= len(r)
		delete(a.spots, user)
	}
}

// next takes need bytes of the last chunk, which has them, for user.
func (a *arena) next(user push.Uid, need int) record {
	last := len(a.chunks) - 1
	at := len(a.chunks[last])
	a.chunks[last] = a.chunks[last][:at+need]
	a.live += need
	a.spots[user] = newSpot(a.first+last, at)
	return a.chunks[last][at:]
}

// makeRoom has need bytes free in the last chunk. If those of a few chunks were all asked
// for, half of the next one leave, so that nobody waits for long.
func (a *arena) makeRoom(need int) {
	most := [...]int{a.size, a.size, a.size, a.size / 2}
	for try := 0; len(a.chunks) == 0 || len(a.chunks[len(a.chunks)-1])+need > a.size; try++ {
		n := len(a.chunks)
		switch free := a.room - n*a.size - len(a.spots)*costPerSpot; {
		case a.room == 0 && n >= chunks && a.live < n*a.size/2 && try < len(most):
			a.reuse(a.size)
		case a.room == 0 || n < 2 || free >= a.size:
			a.chunks = append(a.chunks, make([]byte, 0, a.size))
		case free >= 0:
			a.reuse(most[min(try, len(most)-1)])
		default: // many small records, whose spots take the room
			a.reuse(0)
			a.chunks = a.chunks[:n-1]
		}
	}
}

// reuse makes the first chunk the last one, with those of its records that were asked
// for since they were written, up to most bytes.
func (a *arena) reuse(most int) {
	old := a.chunks[0]
	number := a.first
	a.chunks = append(a.chunks[1:], old[:0])
	a.first++
	for at := 0; at < len(old); {
		r := recordIn(old[at:])
		user := r.user()
		if a.spots[user] == newSpot(number, at) {
			a.live -= len(r)
			delete(a.spots, user)
			if most -= len(r); most >= 0 && (a.room == 0 || r[atFlags]&isAsked != 0) {
				r[atFlags] &^= isAsked
				copy(a.next(user, len(r)), r) // to the left, or onto itself
			}
		}
		at += len(r)
	}
}
