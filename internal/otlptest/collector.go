package otlptest

import (
	"cmp"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a span as it was exported.
type Span struct {
	// Trace, ID and Parent are in hexadecimal digits; Parent is empty for a root.
	Trace, ID, Parent string
	Name, Kind        string
	Start, End        time.Time
	// Failed says that its status is an error, and Status why.
	Failed bool
	Status string
	// Attributes are texts, whatever type they have, and Resource those of the process.
	Attributes, Resource map[string]string
	Events               []string
	// Links are the spans that it names, in hexadecimal digits.
	Links  []string
	Schema string
}

// Collector keeps the spans that it is sent. Its methods are safe for concurrent use.
type Collector struct {
	t      *testing.T
	server *httptest.Server

	mu      sync.Mutex
	spans   []Span
	headers []http.Header
}

// New starts a collector, which ends with the test.
func New(t *testing.T) *Collector {
	t.Helper()
	c := &Collector{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", c.take)
	c.server = httptest.NewServer(mux)
	t.Cleanup(c.server.Close)
	return c
}

// URL is the value of OTEL_EXPORTER_OTLP_ENDPOINT.
func (c *Collector) URL() string { return c.server.URL }

// Spans are those of the trace, in the order of their begin; of all traces if trace is "".
func (c *Collector) Spans(trace string) []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Span
	for _, s := range c.spans {
		if trace == "" || s.Trace == trace {
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return all
}

// Headers are those of the requests.
func (c *Collector) Headers() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.headers)
}

func (c *Collector) take(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			c.refuse(w, err)
			return
		}
		body = unzipped
	}
	data, err := io.ReadAll(body)
	var q collect.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(data, &q)
	}
	if err != nil || r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.refuse(w, cmp.Or(err, fmt.Errorf("content type %q", r.Header.Get("Content-Type"))))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = append(c.headers, r.Header)
	for _, of := range q.GetResourceSpans() {
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, read(s, of.GetResource().GetAttributes(), scope.GetSchemaUrl()))
			}
		}
	}
}

func (c *Collector) refuse(w http.ResponseWriter, why error) {
	c.t.Errorf("a request to the collector: %v", why)
	w.WriteHeader(http.StatusBadRequest)
}

func read(s *otlp.Span, resource []*common.KeyValue, schema string) Span {
	one := Span{
		Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
		Name: s.GetName(), Kind: strings.ToLower(strings.TrimPrefix(s.GetKind().String(), "SPAN_KIND_")),
		Start: at(s.GetStartTimeUnixNano()), End: at(s.GetEndTimeUnixNano()),
		Failed: s.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR, Status: s.GetStatus().GetMessage(),
		Attributes: texts(s.GetAttributes()), Resource: texts(resource), Schema: schema,
	}
	for _, e := range s.GetEvents() {
		one.Events = append(one.Events, e.GetName())
	}
	for _, l := range s.GetLinks() {
		one.Links = append(one.Links, hex.EncodeToString(l.GetSpanId()))
	}
	return one
}

func at(nano uint64) time.Time { return time.Unix(0, int64(nano)) } //nolint:gosec // has 63 bits until 2262

func texts(all []*common.KeyValue) map[string]string {
	m := make(map[string]string, len(all))
	for _, kv := range all {
		switch v := kv.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			m[kv.GetKey()] = v.StringValue
		case *common.AnyValue_IntValue:
			m[kv.GetKey()] = strconv.FormatInt(v.IntValue, 10)
		default:
			m[kv.GetKey()] = fmt.Sprint(kv.GetValue())
		}
	}
	return m
}
