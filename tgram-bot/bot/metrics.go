package bot

import "github.com/waymark-gps/waymark/util/metric"

type metrics struct {
	// updates counts what Telegram sent, by what became of it: handled, repeated,
	// dropped, unreadable, panicked.
	updates metric.CounterOf
	// calls counts calls of the Bot API, by method and result: ok, an error code,
	// network, not_api.
	calls metric.CounterOf
	// lastPoll is when Telegram last answered a question for updates, in Unix time.
	lastPoll *metric.Gauge
}

func newMetrics(set *metric.Set) *metrics {
	return &metrics{
		updates:  metric.Counters(set, "waymark_bot_updates_total", "result"),
		calls:    metric.Counters(set, "waymark_bot_api_calls_total", "method", "result"),
		lastPoll: set.NewGauge("waymark_bot_last_poll_timestamp_seconds", nil),
	}
}
