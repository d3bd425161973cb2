package push_test

import (
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

func TestP2PTopic(t *testing.T) {
	t.Parallel()
	for _, v := range loadVectors(t).P2PName {
		a, b := push.Uid(fromHex(t, v.A)), push.Uid(fromHex(t, v.B))
		for _, got := range []string{push.P2PTopic(a, b), push.P2PTopic(b, a)} {
			if got != v.Name {
				t.Errorf("P2PTopic(%s, %s) = %q, want %q", v.A, v.B, got, v.Name)
			}
		}
		gotA, gotB, ok := push.ParseP2P(v.Name)
		if v.Name == "" {
			a, b = 0, 0
		}
		if ok != (v.Name != "") || gotA != min(a, b) || gotB != max(a, b) {
			t.Errorf("ParseP2P(%q) = %#x, %#x, %t", v.Name, gotA, gotB, ok)
		}
	}
}

func TestParseP2PRefusesOtherNames(t *testing.T) {
	t.Parallel()
	for _, topic := range []string{
		"",
		"p2",
		"p2p",
		"usr782riWdFIwE",
		"grpnG99YhENiQU",
		"P2P782riWdFIwEQMlR2mLrc_g",
		"p2p782riWdFIwEQMlR2mLrc_",    // one short
		"p2p782riWdFIwEQMlR2mLrc_gA",  // one long
		"p2p782riWdFIwEQMlR2mLrc_h",   // not canonical
		"p2p782riWdFIwEQMlR2mLrc+g",   // another alphabet
		"p2p\n82riWdFIwEQMlR2mLrc_g",  // line breaks that the decoder would pass
		"p2pEDJUdpi63P7vzauJZ0UjAQ",   // larger first
		"p2pAAAAAAAAAAAQMlR2mLrc_g",   // nobody
		"p2pBQAAAAAAAAAFAAAAAAAAAA",   // with oneself
		"p2p\xff82riWdFIwEQMlR2mLrc_", // not text
	} {
		if a, b, ok := push.ParseP2P(topic); ok || a != 0 || b != 0 {
			t.Errorf("ParseP2P(%q) = %#x, %#x, %t, want not ok", topic, a, b, ok)
		}
	}
}
