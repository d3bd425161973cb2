package worker

import "github.com/prometheus/client_golang/prometheus"

// cacheCounter is a directory that counts what its cache knew.
type cacheCounter interface {
	CacheCounts() (hits, misses int64)
	Refused() int64
}

// metrics are the counters of the directory's cache; 0 until it is open.
func (d *lateDirectory) metrics() []prometheus.Collector {
	counter := func(name, help string, value func(cacheCounter) float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "pushworker_directory_" + name, Help: help}, func() float64 {
			opened := d.opened.Load()
			if opened == nil {
				return 0
			}
			if c, ok := (*opened).(cacheCounter); ok {
				return value(c)
			}
			return 0
		})
	}
	return []prometheus.Collector{
		counter("cache_hits_total", "Users whose devices were found in the cache of this process.", func(c cacheCounter) float64 {
			hits, _ := c.CacheCounts()
			return float64(hits)
		}),
		counter("cache_misses_total", "Users whose devices were read from the directory.", func(c cacheCounter) float64 {
			_, misses := c.CacheCounts()
			return float64(misses)
		}),
		counter("refused_total", "Devices in answers of the chat server or its database that were refused because they are none. Always 0 with PUSHWORKER_DIRECTORY=kv.",
			func(c cacheCounter) float64 { return float64(c.Refused()) }),
	}
}
