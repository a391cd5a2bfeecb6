// Package metric says how Waymark counts what it does, on a library that
// speaks the text format of Prometheus and is 0.6 MB smaller than its official
// client.
//
// A program has one Set. Names begin with waymark_; docs/operate.md says what
// each means. Labels come from short lists, never from what devices or people
// send, so that the number of series stays small.
package metric

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/VictoriaMetrics/metrics"

	"github.com/waymark-gps/waymark/util/logging/stdlog"
)

// The library logs while it initialises where the system does not tell how long
// processes wait (PSI), and has no switch for that. Now it is done.
func init() { stdlog.Begun() }

// The kinds of metrics, and what holds them.
type (
	Set       = metrics.Set
	Counter   = metrics.Counter
	Seconds   = metrics.FloatCounter
	Gauge     = metrics.Gauge
	Histogram = metrics.PrometheusHistogram
)

// NewSet makes an empty Set.
func NewSet() *Set { return metrics.NewSet() }

// Name is a metric's name with labels, given as pairs of name and value.
func Name(name string, labels ...string) string {
	var b strings.Builder
	b.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		fmt.Fprintf(&b, "%c%s=%q", "{,"[min(i, 1)], labels[i], labels[i+1])
	}
	if len(labels) > 1 {
		b.WriteByte('}')
	}
	return b.String()
}

// CounterOf looks a counter up by the values of its labels, and makes it when it
// is asked for first.
type CounterOf func(values ...string) *Counter

// Counters makes a counter with labels.
func Counters(set *Set, name string, labels ...string) CounterOf {
	return func(values ...string) *Counter {
		return set.GetOrCreateCounter(labelled(name, labels, values))
	}
}

// GaugeOf is CounterOf for gauges.
type GaugeOf func(values ...string) *Gauge

// Gauges makes a gauge with labels.
func Gauges(set *Set, name string, labels ...string) GaugeOf {
	return func(values ...string) *Gauge {
		return set.GetOrCreateGauge(labelled(name, labels, values), nil)
	}
}

func labelled(name string, labels, values []string) string {
	pairs := make([]string, 0, 2*len(labels))
	for i := range labels {
		pairs = append(pairs, labels[i], values[i])
	}
	return Name(name, pairs...)
}

// Buckets are n bounds of a histogram, each factor times the one before.
func Buckets(first, factor float64, n int) []float64 {
	bounds := make([]float64, n)
	for i := range bounds {
		bounds[i] = first
		first *= factor
	}
	return bounds
}

// Handler shows a set, and what the Go runtime and the system say of the process.
func Handler(set *Set) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		Write(w, set)
	})
}

// Write writes what Handler shows.
func Write(w io.Writer, set *Set) {
	set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}
