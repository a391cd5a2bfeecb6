package simulator

import (
	"fmt"
	"math/bits"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"
)

// Report says what came of a run.
type Report struct {
	// Elapsed is how long it took.
	Elapsed time.Duration
	// Sent counts messages with a position, those sent again too.
	Sent uint64
	// Acknowledged counts positions that the server took.
	Acknowledged uint64
	// Errors counts broken connections, refusals and answers that did not come.
	Errors uint64
	// Connections counts connections made.
	Connections uint64
	// P50, P90, P99 and Max are the time from sending to the answer, to about 3
	// per cent.
	P50, P90, P99, Max time.Duration
}

// String is a table for people.
func (r Report) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	rate := 0.0
	if s := r.Elapsed.Seconds(); s > 0 {
		rate = float64(r.Acknowledged) / s
	}
	fmt.Fprintf(w, "elapsed\t%s\t\n", r.Elapsed.Round(time.Millisecond))
	fmt.Fprintf(w, "sent\t%d\t\n", r.Sent)
	fmt.Fprintf(w, "acknowledged\t%d\t(%.1f/s)\n", r.Acknowledged, rate)
	fmt.Fprintf(w, "errors\t%d\t\n", r.Errors)
	fmt.Fprintf(w, "connections\t%d\t\n", r.Connections)
	for _, l := range []struct {
		name string
		d    time.Duration
	}{{"p50", r.P50}, {"p90", r.P90}, {"p99", r.P99}, {"max", r.Max}} {
		fmt.Fprintf(w, "answer %s\t%s\t\n", l.name, l.d.Round(10*time.Microsecond))
	}
	w.Flush()
	return b.String()
}

// counters are shared by all devices of a run.
type counters struct {
	sent, acknowledged, errors, connections atomic.Uint64
	connected                               atomic.Int64
	latency                                 histogram
}

func (c *counters) report(elapsed time.Duration) Report {
	return Report{
		Elapsed: elapsed, Sent: c.sent.Load(), Acknowledged: c.acknowledged.Load(),
		Errors: c.errors.Load(), Connections: c.connections.Load(),
		P50: c.latency.quantile(0.5), P90: c.latency.quantile(0.9), P99: c.latency.quantile(0.99),
		Max: time.Duration(c.latency.max.Load()),
	}
}

const (
	subBits    = 5 // 32 buckets for each power of two: about 3 per cent
	bucketSize = (64 - subBits) << subBits
)

// histogram counts durations in buckets whose width grows with them. Its size
// does not depend on what is counted.
type histogram struct {
	buckets [bucketSize]atomic.Uint64
	count   atomic.Uint64
	max     atomic.Int64
}

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.buckets[bucketOf(uint64(d))].Add(1)
	h.count.Add(1)
	for {
		old := h.max.Load()
		if int64(d) <= old || h.max.CompareAndSwap(old, int64(d)) {
			return
		}
	}
}

// bucketOf numbers the buckets: the first 2^subBits hold one value each, then
// every power of two is cut into that many.
func bucketOf(v uint64) int {
	if v < 1<<subBits {
		return int(v)
	}
	shift := bits.Len64(v) - 1 - subBits
	return (shift+1)<<subBits + int(v>>shift&(1<<subBits-1))
}

// lowest is the smallest value of a bucket.
func lowest(bucket int) uint64 {
	if bucket < 1<<subBits {
		return uint64(bucket)
	}
	shift := bucket>>subBits - 1
	return uint64(1<<subBits|bucket&(1<<subBits-1)) << shift
}

// quantile is the value below which the share q of what was counted lies.
func (h *histogram) quantile(q float64) time.Duration {
	total := h.count.Load()
	if total == 0 {
		return 0
	}
	want := uint64(q * float64(total))
	var seen uint64
	for i := range h.buckets {
		if seen += h.buckets[i].Load(); seen > want {
			return min(time.Duration(lowest(i)), time.Duration(h.max.Load()))
		}
	}
	return time.Duration(h.max.Load())
}
