package requests

import (
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/nats-io/nuid"
)

// endpoint is what one subject of the service does, and how often it did.
type endpoint struct {
	do Do

	mu    sync.Mutex
	stats micro.EndpointStats
}

// count counts one request and its answer.
func (e *endpoint) count(took time.Duration, failed *Refusal) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.NumRequests++
	e.stats.ProcessingTime += took
	if failed != nil {
		e.stats.NumErrors++
		e.stats.LastError = failed.Code
	}
}

// snapshot is how often the endpoint did what it does.
func (e *endpoint) snapshot(prefix, name string) *micro.EndpointStats {
	e.mu.Lock()
	defer e.mu.Unlock()
	stats := e.stats
	stats.Name, stats.Subject, stats.QueueGroup = name, prefix+name, serviceQueue
	stats.AverageProcessingTime = stats.ProcessingTime / time.Duration(max(1, stats.NumRequests))
	return &stats
}

// serveDiscovery answers the questions of the micro framework, such as those of
// `nats micro ls`: $SRV.PING, INFO and STATS, of all, of a name, and of an instance.
func (s *service) serveDiscovery() ([]*nats.Subscription, error) {
	me := micro.ServiceIdentity{Name: s.Name, ID: nuid.New().Next(), Version: serviceVersion, Metadata: map[string]string{}}
	started := time.Now().UTC()
	var all []*nats.Subscription
	for _, whom := range []string{"", "." + me.Name, "." + me.Name + "." + me.ID} {
		sub, err := s.conn.NATS().Subscribe(micro.APIPrefix+".*"+whom, func(m *nats.Msg) {
			if answer := s.discovered(m.Subject, me, started); answer != nil && IsInbox(m.Reply) {
				s.publish(&nats.Msg{Subject: m.Reply}, answer)
			}
		})
		if err != nil {
			return all, err
		}
		all = append(all, sub)
	}
	return all, nil
}

// discovered is the answer to a question on subject, or nil.
func (s *service) discovered(subject string, me micro.ServiceIdentity, started time.Time) any {
	switch strings.Split(subject, ".")[1] {
	case micro.PingVerb.String():
		return micro.Ping{ServiceIdentity: me, Type: micro.PingResponseType}
	case micro.InfoVerb.String():
		info := micro.Info{ServiceIdentity: me, Type: micro.InfoResponseType, Description: s.Description}
		for name := range s.endpoints {
			info.Endpoints = append(info.Endpoints, micro.EndpointInfo{Name: name, Subject: s.Prefix + name, QueueGroup: serviceQueue})
		}
		return info
	case micro.StatsVerb.String():
		stats := micro.Stats{ServiceIdentity: me, Type: micro.StatsResponseType, Started: started}
		for name, e := range s.endpoints {
			stats.Endpoints = append(stats.Endpoints, e.snapshot(s.Prefix, name))
		}
		return stats
	}
	return nil
}

// publish sends an answer.
func (s *service) publish(m *nats.Msg, answer any) {
	var err error
	if m.Data, err = json.Marshal(answer); err == nil {
		err = s.conn.NATS().PublishMsg(m)
	}
	if err != nil {
		s.log.Debug().Err(err).Str("subject", m.Subject).Msg("cannot answer a discovery request")
	}
}
