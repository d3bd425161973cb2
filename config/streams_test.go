package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/config"
)

func TestStreams(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in, text string
		want     config.Streams
	}{
		{"1", "1", config.Streams{Count: 1}},
		{" 256 ", "256", config.Streams{Count: 256}},
		{"4:0,2", "4:0,2", config.Streams{Count: 4, Taken: []int{0, 2}}},
		{"4: 2, 0,2", "4:0,2", config.Streams{Count: 4, Taken: []int{0, 2}}},
	} {
		var s config.Streams
		if err := s.Decode(test.in); err != nil {
			t.Errorf("%q: %v", test.in, err)
		}
		if diff := cmp.Diff(test.want, s); diff != "" || s.String() != test.text {
			t.Errorf("%q is %s (-want +got):\n%s", test.in, s, diff)
		}
	}
	for _, bad := range []string{"", "0", "257", "-1", "1.5", "4:", "4:4", "4:a", "4:0,", ":1", "2:-1"} {
		s := config.Streams{Count: 1}
		if err := s.Decode(bad); err == nil || s.Count != 1 {
			t.Errorf("%q is %v, %v, want an error", bad, s, err)
		}
	}
}

func TestStreamsThatAWorkerTakes(t *testing.T) {
	t.Parallel()
	all, some := config.Streams{Count: 3}, config.Streams{Count: 3, Taken: []int{1}}
	for i := range 3 {
		if !all.Takes(i) || some.Takes(i) != (i == 1) {
			t.Errorf("stream %d: all %t, some %t", i, all.Takes(i), some.Takes(i))
		}
	}
}
