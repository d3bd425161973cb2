package worker_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestHandlersSayHowTheyAre: what a handler wants to have corrected stands in the checks
// and in the status, the process being ready all the same, until it is corrected.
func TestHandlersSayHowTheyAre(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	state := func() push.State {
		s := push.State{CredentialsExpire: time.Unix(1_900_000_000, 5), Refreshes: &push.Refreshes{Renewed: 2, Refused: 3, Failed: 4}}
		if broken.Load() {
			s.Problem = errors.New("replace the key")
		}
		return s
	}
	admin := "http://" + setup{url: brokertest.Start(t).URL(), state: state}.start(t)
	wantAnswer(t, admin+"/readyz?verbose", http.StatusOK, "[+] handler quiet\n")
	wantAnswer(t, admin+"/metrics", http.StatusOK, "pushworker_credentials_expiry_timestamp_seconds{handler=\"quiet\"} 1.9e+09\n")
	for result, n := range map[string]string{"renewed": "2", "refused": "3", "failed": "4"} {
		wantAnswer(t, admin+"/metrics", http.StatusOK, `pushworker_credentials_refreshes_total{handler="quiet",result="`+result+`"} `+n+"\n")
	}
	wantAnswer(t, admin+"/metrics", http.StatusOK, "pushworker_broker_round_trip_seconds ")
	wantAnswer(t, admin+"/metrics", http.StatusOK, "pushworker_config_info{hash=\"")
	wantAnswer(t, admin+"/status", http.StatusOK, "2030-03-17T17:46:40Z")
	broken.Store(true)
	wantAnswer(t, admin+"/readyz?verbose", http.StatusOK, "[!] handler quiet: replace the key")
	wantAnswer(t, admin+"/status", http.StatusOK, `"problem":"replace the key"`)
	wantAnswer(t, admin+"/livez", http.StatusOK, "ok")
	broken.Store(false)
	wantAnswer(t, admin+"/readyz?verbose", http.StatusOK, "[+] handler quiet\n")
}
