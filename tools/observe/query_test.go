package observe_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// series is a result of a query: its labels, and its samples in the order of time.
type series struct {
	labels  map[string]string
	samples []sample
}

type sample struct {
	at    time.Time
	value float64
}

// now is what an expression gives at this moment; nothing if there is no data.
func (w *world) now(expr string) []series { return w.query("query", url.Values{"query": {expr}}) }

// since is what an expression gave in each second from then on.
func (w *world) since(from time.Time, expr string) []series {
	w.Helper()
	return w.query("query_range", url.Values{
		"query": {expr}, "start": {stamp(from)}, "end": {stamp(time.Now())}, "step": {"1"},
	})
}

// value is the one number that an expression gives now; -1 if there is none.
func (w *world) value(expr string) float64 {
	w.Helper()
	all := w.now(expr)
	if len(all) != 1 {
		return -1
	}
	return all[0].samples[0].value
}

func stamp(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

func (w *world) query(endpoint string, form url.Values) []series {
	w.Helper()
	answer, err := http.PostForm("http://"+w.prometheus+"/api/v1/"+endpoint, form)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var result struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
				Values [][2]any
			}
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&result); err != nil || result.Status != "success" {
		w.Fatalf("%s: %v %s", form.Get("query"), err, result.Error)
	}
	var all []series
	for _, r := range result.Data.Result {
		if endpoint == "query" {
			r.Values = [][2]any{r.Value}
		}
		s := series{labels: r.Metric}
		for _, v := range r.Values {
			at, _ := v[0].(float64)
			text, _ := v[1].(string)
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				w.Fatalf("%s: sample %q: %v", form.Get("query"), text, err)
			}
			s.samples = append(s.samples, sample{time.UnixMilli(int64(at * 1000)), value})
		}
		all = append(all, s)
	}
	return all
}

// firing are the alerts that fire now.
func (w *world) firing() []string {
	w.Helper()
	var names []string
	for _, s := range w.now(`ALERTS{alertstate="firing"}`) {
		names = append(names, s.labels["alertname"])
	}
	return names
}
