package notify

import "github.com/waymark-gps/waymark/util/metric"

// metrics are the counters of a Notifier; docs/operate.md says what they mean.
type metrics struct {
	events *metric.Counter
	sent   metric.CounterOf // by channel and result
}

func newMetrics(set *metric.Set) *metrics {
	if set == nil {
		set = metric.NewSet()
	}
	return &metrics{
		events: set.GetOrCreateCounter("waymark_notify_events_total"),
		sent:   metric.Counters(set, "waymark_notify_deliveries_total", "channel", "result"),
	}
}
