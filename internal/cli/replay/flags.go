package replay

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/replay"
)

// stamp is a moment that knows how it was written.
type stamp struct {
	app.Moment

	text string
}

// Set implements pflag.Value.
func (s *stamp) Set(text string) error {
	s.text = text
	return s.Moment.Set(text)
}

// String implements pflag.Value.
func (s *stamp) String() string { return s.text }

// parsed is the pflag.Value of a number that is written with a unit.
type parsed struct {
	value *float64
	parse func(string) (float64, error)
	kind  string
	text  string
}

// Set implements pflag.Value.
func (p *parsed) Set(text string) (err error) {
	p.text = text
	*p.value, err = p.parse(text)
	return err
}

// String implements pflag.Value.
func (p *parsed) String() string { return p.text }

// Type implements pflag.Value.
func (p *parsed) Type() string { return p.kind }

// sameQuery checks that an interrupted replay was asked for with the same flags.
func sameQuery(before, now map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if now[name] != before[name] {
			return fmt.Errorf("the --resume file is of a replay with --%s %q: give the same, or another file", name, before[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if _, ok := before[name]; !ok {
			return fmt.Errorf("the --resume file is of a replay without --%s: leave it out, or give another file", name)
		}
	}
	return nil
}

// keepPace goes on as fast as before, where no flag says how fast.
func (o *replayOptions) keepPace(kept *replay.Checkpoint) error {
	for name, value := range kept.Pace {
		if o.flags.Changed(name) {
			continue
		}
		if err := o.flags.Set(name, value); err != nil {
			return app.Usage(fmt.Errorf("the --resume file has --%s %q: %w", name, value, err))
		}
		o.speed[name] = value
	}
	kept.Pace = o.speed
	return nil
}
