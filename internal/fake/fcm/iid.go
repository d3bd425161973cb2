package fcm

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/pushworker/pushworker/internal/fake"
)

// maxTopicTokens is the most tokens that one topic call may carry.
const maxTopicTokens = 1000

// topics are the subscriptions made through the server.
type topics struct {
	mu sync.Mutex
	m  map[string]map[string]struct{}
}

func (t *topics) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m = make(map[string]map[string]struct{})
}

func (t *topics) set(topic, token string, member bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !member {
		delete(t.m[topic], token)
		return
	}
	if t.m[topic] == nil {
		t.m[topic] = make(map[string]struct{})
	}
	t.m[topic][token] = struct{}{}
}

func (t *topics) has(topic, token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.m[topic][token]
	return ok
}

// of are the tokens that are subscribed to a topic, in order.
func (t *topics) of(topic string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.m[topic]))
}

// Subscribed says whether the token was subscribed to the topic, which is named
// without /topics/.
func (s *Server) Subscribed(topic, token string) bool { return s.topics.has(topic, token) }

// iidResult is the outcome for one token.
type iidResult struct {
	Error string `json:"error,omitempty"`
}

// manageTopic answers the Instance ID server's batchAdd and batchRemove. Its
// errors for a whole call are guesses, those per token are documented.
func (s *Server) manageTopic(c *fake.Call, member bool) fake.Verdict {
	if refusal := s.bearers.check(c.Header("authorization"), c.Now); refusal != "" {
		return s.Plain(s.Answer(refusal))
	}
	whole := s.Decide(c, fake.Occasion{Endpoint: endpointIID, Uncounted: true})
	if whole.Answer != nil && whole.Answer.Name != accepted {
		return whole.Verdict
	}
	var in struct {
		To     string   `json:"to"`
		Tokens []string `json:"registration_tokens"`
	}
	topic := ""
	if json.Unmarshal(c.Body, &in) == nil {
		topic = strings.TrimPrefix(in.To, "/topics/")
	}
	if !isTopic(topic) || len(in.Tokens) == 0 || len(in.Tokens) > maxTopicTokens {
		return s.JSON(http.StatusBadRequest, map[string]string{"error": "INVALID_ARGUMENT"})
	}
	results := make([]iidResult, len(in.Tokens))
	for i, token := range in.Tokens {
		if results[i].Error = s.topicFault(c, token); results[i].Error == "" {
			s.topics.set(topic, token, member)
		}
	}
	return s.JSON(http.StatusOK, map[string]any{"results": results})
}

// topicFault is what the script says about one token, as the Instance ID server
// words it. Rules for iid know no nth; one without a token is for the whole call.
func (s *Server) topicFault(c *fake.Call, token string) string {
	if !isToken(token) {
		return "INVALID_ARGUMENT"
	}
	says := s.Decide(c, fake.Occasion{Endpoint: endpointIID, Target: token, Uncounted: true})
	if says.Answer == nil || says.Answer.Name == accepted {
		return ""
	}
	switch says.Answer.Status {
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusBadRequest:
		return "INVALID_ARGUMENT"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	}
	return "INTERNAL"
}
