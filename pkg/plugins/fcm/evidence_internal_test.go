package fcm

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestWrongProjectDoesNotEmptyTheDirectory: single devices of another project are
// gone; when it is all of them, the project is wrong, and sending pauses until one
// device is ours.
func TestWrongProjectDoesNotEmptyTheDirectory(t *testing.T) {
	var ours atomic.Bool
	l := &line{answer: func(_ int, token string) reply {
		if ours.Load() || strings.HasPrefix(token, "ours") {
			return reply{status: 200}
		}
		return reply{status: 403, body: coded("SENDER_ID_MISMATCH")}
	}}
	bubble(t, l, sending{}, goodKey, func(t *testing.T, s *sender) {
		t.Helper()
		send := func(token string) (answer, error) { return s.send(t.Context(), to(token), android) }
		for i := range 2 * enoughDoubts { // one in ten is ours
			a, err := send([]string{"ours", "theirs"}[min(1, i%10)] + strconv.Itoa(i))
			if err != nil || a.fate != accepted && a.fate != gone {
				t.Fatalf("message %d: %+v, %v", i, a, err)
			}
		}
		removed := 0
		for i := range 5 * enoughDoubts {
			if a, err := send("x" + strconv.Itoa(i)); err == nil && a.fate == gone {
				removed++
			} else if !errors.Is(err, errDown) || !strings.Contains(err.Error(), "project_id") {
				t.Fatalf("message %d: %+v, %v", i, a, err)
			}
			time.Sleep(time.Second) // each is the probe
		}
		if removed == 0 || removed >= enoughDoubts {
			t.Errorf("%d devices were removed, want fewer than %d", removed, enoughDoubts)
		}
		ours.Store(true)
		time.Sleep(time.Minute)
		if a, err := send("x"); err != nil || a.fate != accepted {
			t.Errorf("after the credentials were replaced: %+v, %v", a, err)
		}
	})
}

// wide are the answers that speak of more than their target.
var wide = map[string]reply{
	"third party":    {status: 401, body: coded("THIRD_PARTY_AUTH_ERROR", apple(403, "BadEnvironmentKeyInToken"))},
	"Apple is down":  {status: 503, body: coded("UNAVAILABLE", apple(503, "Shutdown"))},
	"Apple, topic":   {status: 400, body: coded("INVALID_ARGUMENT", apple(400, "BadTopic"))},
	"401":            {status: 401, body: detailed("UNAUTHENTICATED")},
	"403":            {status: 403, body: detailed("PERMISSION_DENIED")},
	"project quota":  quotaOfProject,
	"503":            {status: 503, body: coded("UNAVAILABLE"), retryAfter: "20"},
	"500":            {status: 500, body: coded("INTERNAL")},
	"502":            {status: 502, body: "<html>"},
	"reset":          {err: errors.New("connection reset")},
	"silence":        {status: 200, latency: time.Hour},
	"a proxy's 405":  {status: 405},
	"a proxy's 429":  {status: 429, body: "<html>"},
	"a page's 404":   {status: 404, body: "<html>"},
	"accepts nobody": {status: 200, body: "{}"},
}

// TestFewDoNotStopTheirNeighbours: whatever one device always gets as an answer, or two,
// or three beside others that are served: the others are sent to at once, and neither
// their platform rests nor is FCM down.
func TestFewDoNotStopTheirNeighbours(t *testing.T) {
	t.Parallel()
	for name, bad := range wide {
		for few := 1; few <= 3; few++ {
			t.Run(name+" for "+strconv.Itoa(few), func(t *testing.T) {
				l := &line{answer: func(_ int, token string) reply {
					if strings.HasPrefix(token, "bad") {
						return bad
					}
					return reply{status: 200, latency: 50 * time.Millisecond}
				}}
				bubble(t, l, sending{}, goodKey, func(t *testing.T, s *sender) {
					t.Helper()
					all := &sync.WaitGroup{}
					for range 60 {
						for i := range few { // as busy as all others
							all.Go(func() { _, _ = s.send(t.Context(), to("bad"+strconv.Itoa(i)), ios) })
						}
						for i := range 6 {
							all.Go(func() {
								began := time.Now()
								a, err := s.send(t.Context(), to("good"+strconv.Itoa(i)), ios)
								if took := time.Since(began); !t.Failed() && (err != nil || a.fate != accepted || took > 50*time.Millisecond) {
									t.Errorf("a neighbour: %+v, %v after %s", a, err, took)
								}
							})
						}
						time.Sleep(time.Second / 2)
					}
					all.Wait()
					if s.limit.now != s.limit.most || !s.gate.open() {
						t.Errorf("%v requests are allowed at once, and the gate is open: %t", s.limit.now, s.gate.open())
					}
				})
			})
		}
	}
}

// TestSilentDeviceIsAskedRarely: a device that never answers holds few places, each
// time for a longer rest, and what it is asked for is an attempt.
func TestSilentDeviceIsAskedRarely(t *testing.T) {
	l := &line{answer: func(int, string) reply { return reply{status: 200, latency: time.Hour} }}
	bubble(t, l, sending{}, goodKey, func(t *testing.T, s *sender) {
		t.Helper()
		attempts := 0
		for end := time.Now().Add(time.Hour); time.Now().Before(end); {
			a, err := s.send(t.Context(), to("t"), android)
			if err != nil || a.fate != again || a.wait <= 0 {
				t.Fatalf("%+v, %v", a, err)
			}
			if a.tried {
				attempts++
			}
			time.Sleep(time.Second)
		}
		if n := l.count(); attempts != n || n < 20 || n > 40 {
			t.Errorf("%d requests in an hour, %d attempts", n, attempts)
		}
	})
}

// TestManyAreBelieved: when nobody is served, what they are told is believed after a
// few requests, and costs nobody an attempt who has no part in it.
func TestManyAreBelieved(t *testing.T) {
	t.Parallel()
	for name, bad := range wide {
		t.Run(name, func(t *testing.T) {
			down := false
			l := &line{answer: func(int, string) reply {
				if down {
					return bad
				}
				return reply{status: 200}
			}}
			bubble(t, l, sending{}, goodKey, func(t *testing.T, s *sender) {
				t.Helper()
				if a, err := s.send(t.Context(), to("t"), ios); err != nil || a.fate != accepted {
					t.Fatalf("%+v, %v", a, err)
				}
				down = true
				var attempts atomic.Int64
				var all sync.WaitGroup
				for i := range 100 {
					all.Go(func() {
						if a, err := s.send(t.Context(), to("t"+strconv.Itoa(i)), ios); err == nil && a.tried {
							attempts.Add(1)
						}
					})
					synctest.Wait()
				}
				all.Wait()
				_, apple := s.resting.answer(to("x"), ios, time.Now())
				if s.gate.open() && !apple {
					t.Error("it is not believed")
				}
				if n := l.count() - 1; n > enoughAnswers+1 && bad.latency == 0 { // a 401 is asked again with a fresh token
					t.Errorf("%d requests until it was, want at most %d", n, enoughAnswers)
				}
				if n := attempts.Load(); n >= enoughAnswers {
					t.Errorf("%d attempts", n)
				}
			})
		})
	}
}

// TestForeignAnswersCostNothing: as long as nobody is served, an answer that is not
// FCM's is no attempt, even of the only device there is, and no device leaves.
func TestForeignAnswersCostNothing(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 204, 302, 400, 401, 403, 404, 405, 407, 408, 410, 413, 421, 429, 451, 499, 501, 511, 520} {
		for _, body := range []string{"", "<html>registration token</html>", `{"error":"UNREGISTERED"}`} {
			if status == 200 && body == "" {
				body = "null"
			}
			t.Run(strconv.Itoa(status)+body, func(t *testing.T) {
				l := &line{answer: func(int, string) reply { return reply{status: status, body: body} }}
				bubble(t, l, sending{}, goodKey, func(t *testing.T, s *sender) {
					t.Helper()
					for range 100 {
						if a, err := s.send(t.Context(), to("t"), android); err != nil && !errors.Is(err, errDown) ||
							err == nil && (a.fate != again || a.tried || a.wait <= 0) {
							t.Fatalf("%+v, %v", a, err)
						}
						time.Sleep(time.Second)
					}
				})
			})
		}
	}
}
