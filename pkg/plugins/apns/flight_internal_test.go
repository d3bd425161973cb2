package apns

import (
	"fmt"
	"testing"
)

// TestDefaultRequestsInFlight: there are more requests when latency needs them, unless the
// config says how many.
func TestDefaultRequestsInFlight(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]struct{ room, places int }{
		``:                      {720, 1440},
		`,"max_in_flight":0`:    {720, 1440},
		`,"max_in_flight":300`:  {300, 300},
		`,"max_in_flight":2000`: {2000, 2000},
	} {
		c, err := parseConfig(fmt.Sprintf(`{"key":%q,"key_id":"ABC123DEFG","team_id":"DEF123GHIJ","topic":"com.example.app"%s}`, testKey(t), keys))
		if err != nil {
			t.Fatal(err)
		}
		s, err := newSender(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if s.line.Room() != want.room || s.line.Places() != want.places {
			t.Errorf("with %q there are %d places of %d, want %+v", keys, s.line.Room(), s.line.Places(), want)
		}
		s.close()
	}
}
