package admin

// Watched is a status and what has happened since the one before.
type Watched struct {
	Status

	// Rates are absent from the first look.
	Rates *Rates `json:"rates,omitempty"`
}

// Rates are per second: receipts delivered for the first time by lane, and messages
// stored by stream.
type Rates struct {
	Lanes   map[string]float64 `json:"lanes"`
	Streams map[string]float64 `json:"streams"`
}

// Since is what happened between two looks; nil if one of them is none.
func Since(before, now Status) *Rates {
	span := now.Time.Sub(before.Time).Seconds()
	if before.Time.IsZero() || span <= 0 {
		return nil
	}
	perSecond := func(then, now uint64) float64 {
		return float64(max(now, then)-then) / span // none after a stream was made anew
	}
	r := &Rates{Lanes: make(map[string]float64), Streams: make(map[string]float64)}
	then := delivered(before)
	for lane, n := range delivered(now) {
		if old, ok := then[lane]; ok {
			r.Lanes[lane] = perSecond(old, n)
		}
	}
	then = stored(before)
	for stream, n := range stored(now) {
		if old, ok := then[stream]; ok {
			r.Streams[stream] = perSecond(old, n)
		}
	}
	return r
}

// delivered is how far each lane is, as far as the broker has said.
func delivered(s Status) map[string]uint64 {
	all := make(map[string]uint64)
	for _, l := range s.Lanes {
		if l.LaneStats != nil {
			all[l.Handler] = l.Delivered
		}
	}
	return all
}

// stored is how far each stream is.
func stored(s Status) map[string]uint64 {
	all := make(map[string]uint64)
	for _, stream := range s.Streams {
		all[stream.Stream] = stream.LastSeq
	}
	return all
}
