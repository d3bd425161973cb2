package push

import "log/slog"

// What a structured logger shows of the wire types: never content, and no device,
// since what a receipt lists may be tokens. Their JSON has both: never log that.

// LogValue implements [slog.LogValuer].
func (r Receipt) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("recipients", len(r.To)), slog.String("channel", r.Channel), slog.Any("payload", r.Payload))
}

// LogValue implements [slog.LogValuer].
func (r Recipient) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("delivered", r.Delivered), slog.Int("devices", len(r.Devices)), slog.Int("unread", r.Unread))
}

// LogValue implements [slog.LogValuer].
func (p Payload) LogValue() slog.Value {
	return slog.GroupValue(slog.String("what", p.What), slog.String("topic", p.Topic), slog.Int("seq", p.SeqId))
}
