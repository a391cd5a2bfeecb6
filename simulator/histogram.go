package simulator

import (
	"math/bits"
	"sync/atomic"
	"time"
)

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

// Quantiles says how long something took, to about 3 per cent.
type Quantiles struct {
	Count uint64        `json:"count"`
	P50   time.Duration `json:"p50Ns"`
	P95   time.Duration `json:"p95Ns"`
	P99   time.Duration `json:"p99Ns"`
	Max   time.Duration `json:"maxNs"`
}

func (h *histogram) quantiles() Quantiles {
	return Quantiles{h.count.Load(), h.quantile(0.5), h.quantile(0.95), h.quantile(0.99), time.Duration(h.max.Load())}
}
