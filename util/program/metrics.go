package program

import (
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/storage/history"
)

// observeHistory counts what compaction does.
func observeHistory(set *metric.Set) func(history.Compaction) {
	positions := set.NewCounter("waymark_history_compacted_positions_total")
	bytes := set.NewCounter("waymark_history_compacted_bytes_total")
	seconds := set.NewFloatCounter("waymark_history_compaction_seconds_total")
	return func(c history.Compaction) {
		positions.Add(c.Rows)
		bytes.Add(c.Bytes)
		seconds.Add(c.Took.Seconds())
	}
}
