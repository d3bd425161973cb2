package fake_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/fake"
)

// statuses sends to each target in turn.
func statuses(t *testing.T, s *fake.Server, tokens ...string) []int {
	t.Helper()
	c := client(t, s)
	var got []int
	for _, token := range tokens {
		got = append(got, push(t, c, s, token).status)
	}
	return got
}

func TestTheFirstRuleThatFitsDecides(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules  string
		tokens []string
		want   []int
	}{
		"exact, pattern, rest": {
			`{"token":"dead-7","answer":"internal"},{"token":"dead-*","answer":"unregistered"},{"token":"?bc","answer":"invalid-token"}`,
			[]string{"dead-7", "dead-8", "abc", "abcd"},
			[]int{500, 404, 400, 200},
		},
		"accepted shields": {
			`{"token":"ok-*"},{"answer":"unavailable"}`,
			[]string{"ok-1", "other"},
			[]int{200, 503},
		},
		"nth counts per target": {
			`{"nth":"1-2","token":"a*","answer":"unavailable"},{"nth":4,"answer":"internal"},{"nth":"6-","answer":"auth"}`,
			[]string{"a1", "a2", "a1", "a1", "a2", "a2", "a1", "b", "a1", "a1", "a1"},
			[]int{503, 503, 503, 200, 503, 200, 500, 200, 200, 401, 401},
		},
		"conn_nth counts per connection": {
			`{"conn_nth":"2","answer":"internal"}`,
			[]string{"a", "b", "c"},
			[]int{200, 500, 200},
		},
		"times": {
			`{"times":2,"answer":"internal"}`,
			[]string{"a", "b", "c"},
			[]int{500, 500, 200},
		},
		"project": {
			`{"project":"other*","answer":"internal"},{"project":"de*","answer":"unavailable"}`,
			[]string{"a"},
			[]int{503},
		},
		"not yet": {
			`{"from":"1h","answer":"internal"}`,
			[]string{"a"},
			[]int{200},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, fake.Options{Script: script(t, c.rules)})
			if diff := cmp.Diff(c.want, statuses(t, s, c.tokens...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnOutageEnds(t *testing.T) {
	t.Parallel()
	s := start(t, fake.Options{})
	c := client(t, s)
	if err := s.SetScript(script(t, `{"until":0.2,"answer":"unavailable"},{"from":"1h","answer":"internal"}`)); err != nil {
		t.Fatal(err)
	}
	if got := push(t, c, s, "a").status; got != 503 {
		t.Fatalf("%d during the outage, want 503", got)
	}
	for ctx := deadline(t); push(t, c, s, "a").status != 200; {
		if ctx.Err() != nil {
			t.Fatal("the outage did not end")
		}
	}
}

func TestProbabilityDependsOnSeedTargetAndNumberAlone(t *testing.T) {
	t.Parallel()
	tokens := make([]string, 200)
	for i := range tokens {
		tokens[i] = fmt.Sprint("t", i)
	}
	run := func(seed uint64, tokens []string) map[string]int {
		half := script(t, `{"probability":0.5,"answer":"unavailable"}`)
		half.Seed = seed
		s := start(t, fake.Options{Script: half})
		got := make(map[string]int)
		for i, status := range statuses(t, s, tokens...) {
			got[tokens[i]] = status
		}
		return got
	}
	forward := run(1, tokens)
	backward := make([]string, len(tokens))
	failed := 0
	for i, token := range tokens {
		backward[len(tokens)-1-i] = token
		if forward[token] == 503 {
			failed++
		}
	}
	if failed < 65 || failed > 135 {
		t.Errorf("%d of 200 failed, want about half", failed)
	}
	if diff := cmp.Diff(forward, run(1, backward)); diff != "" {
		t.Errorf("the order made a difference: %s", diff)
	}
	if cmp.Equal(forward, run(2, tokens)) {
		t.Error("another seed chose the same")
	}
}

func TestANewScriptCountsAnew(t *testing.T) {
	t.Parallel()
	s := start(t, fake.Options{})
	statuses(t, s, "a", "a", "a")
	if err := s.SetScript(script(t, `{"nth":1,"answer":"internal"}`)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{500, 200}, statuses(t, s, "a", "a")); diff != "" {
		t.Error(diff)
	}
	if got := s.Count("a"); got != (fake.TargetCount{Requests: 5, Accepted: 4}) {
		t.Errorf("counted %+v, want all 5 requests", got)
	}
	s.Reset()
	if now := s.Stats(); now.Requests+now.Accepted+now.MaxStreams+now.MaxStreamsOfOne+now.Connections != 0 || len(now.Answers)+len(now.Status) != 0 {
		t.Errorf("counters after a reset: %+v", now)
	}
	if diff := cmp.Diff([]int{500, 200}, statuses(t, s, "a", "a")); diff != "" {
		t.Errorf("after a reset: %s", diff)
	}
	if got := s.Count("a"); got != (fake.TargetCount{Requests: 2, Accepted: 1}) {
		t.Errorf("after a reset: counted %+v", got)
	}
}

func TestALostAnswerWasDeliveredAllTheSame(t *testing.T) {
	t.Parallel()
	s := start(t, fake.Options{Script: script(t, `{"nth":1,"answer":"unavailable","deliver":true}`)})
	if diff := cmp.Diff([]int{503, 200}, statuses(t, s, "a", "a")); diff != "" {
		t.Error(diff)
	}
	if got := s.Count("a"); got.Accepted != 2 {
		t.Errorf("accepted %d times, want 2: once unknown to the sender", got.Accepted)
	}
}

func TestScriptFaultsAreAllNamed(t *testing.T) {
	t.Parallel()
	_, err := parseScript(`{"rules":[
		{"answer":"nonsense"}, {"answer":"custom"}, {"answer":"stall","status":500}, {"status":99}, {"body":"x"},
		{"endpoint":"elsewhere"}, {"probability":2}, {"times":-1}, {"name":"backwards","from":"2s","until":"1s"}]}`)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`rule-1: there is no answer "nonsense"`, `rule-2: there is no answer "custom"`, "rule-3: answer and status", "rule-4: status 99",
		"rule-5: body and content_type", `rule-6: there is no endpoint "elsewhere"`, "rule-7: probability", "rule-8: from, until", "backwards: until must be after",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	for _, text := range []string{
		`{"rules":[{"tokn":"a"}]}`, `{"rules":[{"nth":0}]}`, `{"rules":[{"nth":"2-1"}]}`, `{"rules":[{"nth":"x"}]}`, `{"rules":[{"from":"soon"}]}`,
		`{"rules":[{"retry_after":"5-1"}]}`, `{"rules":[{"retry_after":"later"}]}`, `{"rules":[]} {}`, `[]`,
	} {
		if _, err := parseScript(text); err == nil {
			t.Errorf("%s was accepted", text)
		}
	}
	if _, err := launch(fake.Options{Script: fake.Script{Rules: []fake.Rule{{Answer: "nonsense"}}}}); err == nil {
		t.Error("a server started with a wrong script")
	}
}

func TestScriptsSurviveJSON(t *testing.T) {
	t.Parallel()
	want := script(t, `{"name":"n","endpoint":"iid","token":"t","project":"p","nth":"1-2","conn_nth":"3-","from":1.5,"until":"2m",
		"probability":0.5,"times":3,"answer":"stall","retry_after":"date 1-5","latency":"10ms","deliver":true},
		{"status":418,"body":"b","content_type":"c","retry_after":"none","nth":4}`)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseScript(string(text))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}
