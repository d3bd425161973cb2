package push

import "context"

// Finder is a [Directory] whose look-ups end by callback, so that no goroutine waits for
// them, and many together are one read.
type Finder interface {
	Directory
	// Find is Devices, and calls found once with what that returns: before it returns, if
	// it need not wait, and else from any goroutine. found does not block.
	Find(ctx context.Context, users []Uid, provider string, found func(devices map[Uid][]Device, err error))
}

// Find looks up in d, by its Find if it is a [Finder] and else in a goroutine that waits.
func Find(ctx context.Context, d Directory, users []Uid, provider string, found func(devices map[Uid][]Device, err error)) {
	if f, ok := d.(Finder); ok {
		f.Find(ctx, users, provider, found)
		return
	}
	go func() { found(lookUp(ctx, d, users, provider)) }()
}

// lookUp is d's Devices; its panic is an error.
func lookUp(ctx context.Context, d Directory, users []Uid, provider string) (devices map[Uid][]Device, err error) {
	defer recovered(&err)
	return d.Devices(ctx, users, provider)
}
