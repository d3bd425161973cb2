package deadletter

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestErrorsOfOneKindAreOne(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{`fcm device "phone-1" of usr782riWdFIwE: HTTP 404`, `fcm device "tab \" let" of usrEDJUdpi63P4: HTTP 404`},
		{"at byte 12345: want a JSON object", "at byte 6789012: want a JSON object"},
		{"no answer within 1.5s, token 0a1b2c3d", "no answer within 30s, token 9f8e7d6c"},
	} {
		if a, b := errorKind(pair[0]), errorKind(pair[1]); a != b {
			t.Errorf("%q and %q are two kinds", a, b)
		}
	}
	if diff := cmp.Diff("HTTP 404: UNREGISTERED", errorKind("HTTP 404: UNREGISTERED")); diff != "" {
		t.Error(diff)
	}
}
