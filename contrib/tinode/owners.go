package tinode

import (
	"sync"

	"github.com/tinode/chat/server/store/types"
)

// mostOwners bounds each half of owners: about 2 MB.
const mostOwners = 50_000

// owners remembers for whom workers were told of a token, so that they can be told when
// somebody else takes the device: Tinode's store does not say who had it. It forgets
// the oldest. Its zero value is ready to use.
type owners struct {
	mu           sync.Mutex
	newer, older map[uint64]types.Uid // by a hash of the token
}

// note remembers that the token is user's.
func (o *owners) note(token uint64, user types.Uid) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.newer == nil || len(o.newer) >= mostOwners {
		o.newer, o.older = make(map[uint64]types.Uid), o.newer
	}
	o.newer[token] = user
}

// of is whose the token was when workers were last told of it, or zero.
func (o *owners) of(token uint64) types.Uid {
	o.mu.Lock()
	defer o.mu.Unlock()
	if user, ok := o.newer[token]; ok {
		return user
	}
	return o.older[token]
}
