package replay_test

import (
	"math"
	"testing"

	"github.com/pushworker/pushworker/internal/replay"
)

// FuzzPace finds rates and speeds that are accepted although no pause can be made
// of them, or refused without a word.
func FuzzPace(f *testing.F) {
	for _, s := range []string{"50/s", "600/m", "1000/h", "1x", "10x", "0.5x", "max", "NaN", "-1/s", "1e400", "0x1p-2", "1/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rate, err := replay.ParseRate(s)
		if err == nil && !(rate > 0 && rate < math.Inf(1)) || err != nil && err.Error() == "" {
			t.Errorf("ParseRate(%q) = %v, %v", s, rate, err)
		}
		speed, err := replay.ParseSpeed(s)
		if err == nil && (speed == 0 && s != "max" || !(speed >= 0 && speed < math.Inf(1))) || err != nil && err.Error() == "" {
			t.Errorf("ParseSpeed(%q) = %v, %v", s, speed, err)
		}
	})
}
