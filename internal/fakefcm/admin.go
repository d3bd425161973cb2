package fakefcm

import (
	"net/http"
	"net/url"
	"strconv"
)

// admin answers what is below /fake/: the server as seen by a test of the real
// binary, and by an operator with curl.
func (s *Server) admin(c *call) verdict {
	query, err := url.ParseQuery(c.query)
	if err != nil {
		return say(http.StatusBadRequest, "the query is malformed: "+err.Error())
	}
	switch c.method + " " + c.path {
	case "GET /fake/stats":
		return s.showStats(query.Has("targets"))
	case "GET /fake/requests":
		return s.showRequests(query.Get("limit"))
	case "GET /fake/script":
		return immediate(s.jsonVerdict(http.StatusOK, s.script.Load().source))
	case "POST /fake/script":
		return s.loadScript(c.body)
	case "POST /fake/reset":
		s.Reset()
		return say(http.StatusOK, "reset")
	case "POST /fake/revoke":
		s.Revoke()
		return say(http.StatusOK, "revoked")
	case "POST /fake/connections":
		return s.treatConnections(Do(query.Get("do")), c.conn)
	}
	return say(http.StatusNotFound, "there is GET /fake/stats[?targets], GET /fake/requests[?limit=N], GET and POST /fake/script, "+
		"POST /fake/reset, POST /fake/revoke, POST /fake/connections?do=goaway|close|cut|freeze")
}

// say is an answer for a human, without latency.
func say(status int, line string) verdict {
	return verdict{fate: fateAnswer, status: status, contentType: typeText, body: []byte(line + "\n")}
}

func immediate(v verdict) verdict {
	v.delay = 0
	return v
}

func (s *Server) showStats(withTargets bool) verdict {
	out := struct {
		Stats

		Targets map[string]TargetCount `json:"targets,omitempty"`
	}{Stats: s.Stats()}
	if withTargets {
		out.Targets = make(map[string]TargetCount)
		for target, n := range s.Counts() {
			out.Targets[s.log.mask(target)] = n
		}
	}
	return immediate(s.jsonVerdict(http.StatusOK, out))
}

func (s *Server) showRequests(limit string) verdict {
	all := s.Requests()
	if limit != "" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 0 {
			return say(http.StatusBadRequest, "limit is a number of requests")
		}
		all = all[max(0, len(all)-n):]
	}
	var lines []byte
	for i := range all {
		lines = append(lines, s.log.line(&all[i])...)
	}
	return verdict{fate: fateAnswer, status: http.StatusOK, contentType: typeLines, body: lines}
}

func (s *Server) loadScript(body []byte) verdict {
	source, err := ParseScript(body)
	if err == nil {
		err = s.SetScript(source)
	}
	if err != nil {
		return say(http.StatusBadRequest, err.Error())
	}
	return say(http.StatusOK, "the script runs: "+strconv.Itoa(len(source.Rules))+" rules")
}

// treatConnections spares the connection that asks for it.
func (s *Server) treatConnections(do Do, asking uint64) verdict {
	switch do {
	case DoGoAway, DoClose, DoCut, DoFreeze:
		return say(http.StatusOK, strconv.Itoa(s.treat(do, asking))+" connections")
	}
	return say(http.StatusBadRequest, "do is goaway, close, cut or freeze")
}
