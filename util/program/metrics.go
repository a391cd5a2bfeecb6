package program

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-gps/waymark/util/storage/history"
)

// observeHistory counts what compaction does.
func observeHistory(reg prometheus.Registerer) func(history.Compaction) {
	positions := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "waymark_history_compacted_positions_total", Help: "Positions moved from the recent part into blocks.",
	})
	bytes := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "waymark_history_compacted_bytes_total", Help: "Size of the blocks written.",
	})
	seconds := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "waymark_history_compaction_seconds_total", Help: "Time compaction has taken.",
	})
	reg.MustRegister(positions, bytes, seconds)
	return func(c history.Compaction) {
		positions.Add(float64(c.Rows))
		bytes.Add(float64(c.Bytes))
		seconds.Add(c.Took.Seconds())
	}
}
