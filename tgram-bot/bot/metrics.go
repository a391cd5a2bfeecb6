package bot

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	updates  *prometheus.CounterVec
	calls    *prometheus.CounterVec
	lastPoll prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		updates: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_bot_updates_total",
			Help: "Updates from Telegram, by what became of them: handled, repeated, dropped, unreadable, panicked.",
		}, []string{"result"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_bot_api_calls_total",
			Help: "Calls of the Bot API, by method and result: ok, an error code, network, not_api.",
		}, []string{"method", "result"}),
		lastPoll: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "waymark_bot_last_poll_timestamp_seconds",
			Help: "When Telegram last answered a question for updates, in Unix time.",
		}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.updates, m.calls, m.lastPoll} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register the bot's metrics: %w", err)
		}
	}
	return m, nil
}
