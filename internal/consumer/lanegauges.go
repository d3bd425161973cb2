package consumer

import "github.com/prometheus/client_golang/prometheus"

// laneGauges are what a lane can say of itself at every scrape.
type laneGauges struct {
	held, slots, bytes, most, open func() float64
}

// register exports the gauges of the lane of handler.
func (g laneGauges) register(reg prometheus.Registerer, handler string) {
	label := prometheus.Labels{"handler": handler}
	for _, gauge := range []struct {
		name, help string
		value      func() float64
	}{
		{"lane_in_flight", "Messages that this process holds.", g.held},
		{"lane_slots_used", "Slots of the lane that are taken: messages that this process holds. At lane_slots the lane pulls no more.", g.held},
		{"lane_slots", "Slots of the lane: how many messages this process may hold.", g.slots},
		{"lane_held_bytes", "Estimated memory of the messages that this process holds.", g.bytes},
		{"lane_max_bytes", "The most memory that these messages may take. Near it, the lane stops pulling.", g.most},
		{"lane_breaker_open", "1 while the lane does not pull because the provider is unavailable.", g.open},
	} {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "pushworker_" + gauge.name, Help: gauge.help, ConstLabels: label,
		}, gauge.value))
	}
}

func (l *Lane) held() int {
	n := 0
	for _, in := range l.intakes {
		n += in.slots.count()
	}
	return n
}

// heldBytes is what the messages take that the lane holds.
func (l *Lane) heldBytes() int64 {
	var n int64
	for _, in := range l.intakes {
		in.slots.each(func(d *delivery) { n += d.weight.Load() })
	}
	return n
}

// capacity is how many messages the lane may hold.
func (l *Lane) capacity() int {
	n := 0
	for _, in := range l.intakes {
		n += cap(in.slots.free)
	}
	return n
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
