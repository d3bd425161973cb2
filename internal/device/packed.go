package device

import (
	"encoding/binary"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// maxNames bounds how many names are kept once for all devices. Providers, platforms,
// languages and apps are few; what comes after that many stands in its record.
const maxNames = 4096

// names are texts that many devices share. The zero value is empty.
type names struct {
	number map[string]uint64
	texts  []string
}

// What a packed device has beside its names, id and token.
const (
	isRegistered = 1 << iota
	isExtra
	isActivated
	isFailing
)

// packer writes lists into bytes and reads them, so that a cache of many holds no
// pointers. A list is the number of its devices and for each: flags, the numbers of its
// provider, platform and language, id and token with their lengths, and what the flags
// say. All numbers are varints.
type packer struct{ names names }

// pack appends l to b.
func (p *packer) pack(b []byte, l list) []byte {
	b = binary.AppendUvarint(b, uint64(len(l)))
	for _, d := range l {
		flags := flagsOf(d)
		b = append(b, flags)
		b = p.name(p.name(p.name(b, d.Provider), d.Platform), d.Lang)
		b = text(text(b, d.ID), d.Token)
		if flags&isRegistered != 0 {
			b = binary.AppendVarint(b, d.Registered.Unix())
			b = binary.AppendUvarint(b, uint64(d.Registered.Nanosecond())) //nolint:gosec // 0 to 999,999,999
		}
		if e := d.Extra; e != nil {
			b = p.name(p.name(p.name(b, e.App), e.Kind), e.Env)
			b = text(text(b, e.Keys.P256DH), e.Keys.Auth)
			if flags&isFailing != 0 {
				b = binary.AppendVarint(p.name(b, e.Failing.Why), e.Failing.Since.Unix())
			}
		}
	}
	return b
}

// flagsOf says what d has.
func flagsOf(d push.Device) (flags byte) {
	if !d.Registered.IsZero() {
		flags |= isRegistered
	}
	if d.Extra == nil {
		return flags
	}
	flags |= isExtra
	if d.Extra.Activated {
		flags |= isActivated
	}
	if d.Extra.Failing != (push.Failing{}) {
		flags |= isFailing
	}
	return flags
}

// name appends the number of s, or 0 and s itself.
func (p *packer) name(b []byte, s string) []byte {
	n, ok := p.names.number[s]
	switch {
	case ok:
	case len(p.names.texts) >= maxNames:
		return text(append(b, 0), s)
	default:
		if p.names.number == nil {
			p.names.number = make(map[string]uint64)
		}
		p.names.texts = append(p.names.texts, s)
		n = uint64(len(p.names.texts))
		p.names.number[s] = n
	}
	return binary.AppendUvarint(b, n)
}

func text(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// unpack appends to all the devices of user that provider reaches, and says whether the
// user has any at all. What it appends shares nothing with b.
func (p *packer) unpack(all []push.Device, b []byte, user push.Uid, provider string) (_ []push.Device, registered bool) {
	r := unpacker{packer: p, b: b}
	n := r.number()
	for range n {
		if d := r.device(provider); d.For(provider) {
			d.User = user
			all = append(all, d)
		}
	}
	return all, n > 0
}

// unpacker is a list that is being read; b is what is left of it.
type unpacker struct {
	*packer

	b []byte
}

// device reads a device; of one that provider does not reach little more than that.
func (r *unpacker) device(provider string) (d push.Device) {
	flags := r.b[0]
	r.b = r.b[1:]
	d.Provider, d.Platform, d.Lang = r.name(), r.name(), r.name()
	d.ID, d.Token = r.both(d.For(provider))
	if flags&isRegistered != 0 {
		seconds := r.varint()
		d.Registered = time.Unix(seconds, int64(r.number())).UTC() //nolint:gosec // as above
	}
	if flags&isExtra != 0 {
		e := &push.Extra{App: r.name(), Kind: r.name(), Env: r.name()}
		e.Keys.P256DH, e.Keys.Auth = r.both(true)
		e.Activated = flags&isActivated != 0
		if flags&isFailing != 0 {
			e.Failing.Why = r.name()
			e.Failing.Since = time.Unix(r.varint(), 0).UTC()
		}
		d.Extra = e
	}
	return d
}

// both reads two texts into one piece of memory, if they are wanted.
func (r *unpacker) both(wanted bool) (a, b string) {
	start := r.b
	first := len(r.text())
	end := len(start) - len(r.b)
	second := len(r.text())
	if !wanted {
		return "", ""
	}
	both := string(start[:len(start)-len(r.b)])
	return both[end-first : end], both[len(both)-second:]
}

func (r *unpacker) varint() int64 {
	v, n := binary.Varint(r.b)
	r.b = r.b[n:]
	return v
}

func (r *unpacker) number() uint64 {
	v, n := binary.Uvarint(r.b)
	r.b = r.b[n:]
	return v
}

func (r *unpacker) text() (s []byte) {
	n := r.number()
	s, r.b = r.b[:n], r.b[n:]
	return s
}

func (r *unpacker) name() string {
	if n := r.number(); n > 0 {
		return r.names.texts[n-1]
	}
	return string(r.text())
}
