package fake

import (
	"net/http"
	"net/url"
	"strconv"
)

// admin answers what is below /fake/: the server as seen by a test of the real
// binary, and by an operator with curl.
func (s *Server) admin(c *Call) Verdict {
	query, err := url.ParseQuery(c.Query)
	if err != nil {
		return say(http.StatusBadRequest, "the query is malformed: "+err.Error())
	}
	switch c.Method + " " + c.Path {
	case "GET /fake/stats":
		return s.showStats(query.Has("targets"))
	case "GET /fake/requests":
		return s.showRequests(query.Get("limit"))
	case "GET /fake/script":
		return immediate(s.JSON(http.StatusOK, s.script.Load().source))
	case "POST /fake/script":
		return s.loadScript(c.Body)
	case "POST /fake/reset":
		s.Reset()
		return say(http.StatusOK, "reset")
	case "POST /fake/revoke":
		if s.kind.Revoke != nil {
			s.kind.Revoke()
			return say(http.StatusOK, "revoked")
		}
	case "POST /fake/streams":
		return s.streams(query.Get("n"))
	case "POST /fake/connections":
		return s.treatConnections(Do(query.Get("do")), c.Conn)
	}
	revoking := ""
	if s.kind.Revoke != nil {
		revoking = "POST /fake/revoke, "
	}
	return say(http.StatusNotFound, "there is GET /fake/stats[?targets], GET /fake/requests[?limit=N], GET and POST /fake/script, "+
		"POST /fake/reset, "+revoking+"POST /fake/streams?n=N, POST /fake/connections?do=goaway|close|cut|freeze")
}

// say is an answer for a human, without latency.
func say(status int, line string) Verdict {
	return Verdict{Fate: FateAnswer, Status: status, ContentType: TypeText, Body: []byte(line + "\n")}
}

func immediate(v Verdict) Verdict {
	v.Delay = 0
	return v
}

func (s *Server) showStats(withTargets bool) Verdict {
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
	return immediate(s.JSON(http.StatusOK, out))
}

func (s *Server) showRequests(limit string) Verdict {
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
	return Verdict{Fate: FateAnswer, Status: http.StatusOK, ContentType: typeLines, Body: lines}
}

func (s *Server) loadScript(body []byte) Verdict {
	source, err := s.kind.ParseScript(body)
	if err == nil {
		err = s.SetScript(source)
	}
	if err != nil {
		return say(http.StatusBadRequest, err.Error())
	}
	return say(http.StatusOK, "the script runs: "+strconv.Itoa(len(source.Rules))+" rules")
}

// treatConnections spares the connection that asks for it.
func (s *Server) treatConnections(do Do, asking uint64) Verdict {
	switch do {
	case DoGoAway, DoClose, DoCut, DoFreeze:
		return say(http.StatusOK, strconv.Itoa(s.treat(do, asking))+" connections")
	}
	return say(http.StatusBadRequest, "do is goaway, close, cut or freeze")
}
