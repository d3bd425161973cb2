package publisher_test

import (
	"testing"

	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// The table of docs/publishing.md, for publishers in other languages.
func TestShard(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		key                 string
		of2, of3, of4, of16 int
	}{
		{"", 1, 1, 1, 5},
		{"a", 0, 1, 0, 12},
		{"grpnG99YhENiQU", 0, 2, 0, 4},
		{"p2pAQAAAAAAAAACAAAAAAAAAA", 1, 2, 1, 5},
		{"usr782riWdFIwE", 1, 2, 3, 7},
		{"chnNews", 1, 2, 3, 7},
		{"grpé", 0, 1, 0, 4},
		{"782riWdFIwE", 1, 0, 3, 3},
	} {
		for n, want := range map[int]int{0: 0, 1: 0, 2: test.of2, 3: test.of3, 4: test.of4, 16: test.of16} {
			if got := publisher.Shard(test.key, n); got != want {
				t.Errorf("Shard(%q, %d) = %d, want %d", test.key, n, got, want)
			}
		}
	}
}

func TestShardKey(t *testing.T) {
	t.Parallel()
	to := map[push.Uid]push.Recipient{2: {}, 1: {}}
	for _, test := range []struct {
		r    push.Receipt
		want string
	}{
		{push.Receipt{To: to, Channel: "chnA", Payload: push.Payload{Topic: "grpA"}}, "grpA"},
		{push.Receipt{To: to, Channel: "chnA"}, "chnA"},
		{push.Receipt{To: to}, "AQAAAAAAAAA"},
		{push.Receipt{}, ""},
	} {
		if got := publisher.ShardKey(&test.r); got != test.want {
			t.Errorf("key %q, want %q", got, test.want)
		}
	}
}
