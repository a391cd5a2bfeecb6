package tracking

import (
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/statistics"
)

// metrics are what tracking counts. Labels are protocols and outcomes only, so
// that their number stays small whatever devices send.
type metrics struct {
	connections metric.GaugeOf
	turnedAway  metric.CounterOf
	bytes       metric.CounterOf
	frames      metric.CounterOf
	positions   metric.CounterOf
	refusals    metric.CounterOf
	commits     *metric.Histogram
	batches     *metric.Counter
	commands    metric.CounterOf
	files       metric.CounterOf
	statistics  *statistics.Counters
}

func newMetrics(set *metric.Set, counters *statistics.Counters) *metrics {
	return &metrics{
		statistics:  counters,
		connections: metric.Gauges(set, "waymark_tracker_connections", "protocol"),
		turnedAway:  metric.Counters(set, "waymark_tracker_connections_refused_total", "protocol"),
		bytes:       metric.Counters(set, "waymark_tracker_bytes_total", "protocol", "transport", "direction"),
		frames:      metric.Counters(set, "waymark_tracker_frames_total", "protocol", "outcome"),
		positions:   metric.Counters(set, "waymark_tracker_positions_total", "protocol", "outcome"),
		refusals:    metric.Counters(set, "waymark_tracker_refused_total", "protocol"),
		commits:     set.NewPrometheusHistogramExt("waymark_tracker_commit_seconds", metric.Buckets(0.0005, 2, 15)),
		batches:     set.NewCounter("waymark_tracker_batches_total"),
		commands:    metric.Counters(set, "waymark_tracker_commands_total", "state"),
		files:       metric.Counters(set, "waymark_tracker_files_total", "protocol", "outcome"),
	}
}

func (m *metrics) committed(took time.Duration, batches int) {
	m.commits.Update(took.Seconds())
	m.batches.Add(batches)
}

// protocolMetrics are the counters of one protocol, looked up once.
type protocolMetrics struct {
	frames                                                 message
	unreadable, broken, panics, positions, failed, refused *metric.Counter
}

func (m *metrics) protocol(name string) *protocolMetrics {
	return &protocolMetrics{
		frames:     message{m.frames(name, "decoded"), m.statistics},
		unreadable: m.frames(name, "unreadable"),
		broken:     m.frames(name, "broken"),
		panics:     m.frames(name, "panic"),
		positions:  m.positions(name, "durable"),
		failed:     m.positions(name, "failed"),
		refused:    m.refusals(name),
	}
}

// transportMetrics implements transport.Counter.
type transportMetrics struct {
	open            *metric.Gauge
	refused         *metric.Counter
	bytesIn, bytesO *metric.Counter
}

func (m *metrics) transport(name string, t protocol.Transport) *transportMetrics {
	return &transportMetrics{
		open:    m.connections(name),
		refused: m.turnedAway(name),
		bytesIn: m.bytes(name, t.String(), "in"),
		bytesO:  m.bytes(name, t.String(), "out"),
	}
}

func (t *transportMetrics) Connected(delta int) { t.open.Add(float64(delta)) }
func (t *transportMetrics) Refused()            { t.refused.Inc() }
func (t *transportMetrics) Bytes(in, out int) {
	if in > 0 {
		t.bytesIn.Add(in)
	}
	if out > 0 {
		t.bytesO.Add(out)
	}
}

// message is a counter of frames that are understood; those are the messages of
// the installation's statistics, too.
type message struct {
	*metric.Counter
	statistics *statistics.Counters
}

func (m message) Inc() {
	m.Counter.Inc()
	m.statistics.Add(data.CountMessagesReceived, 1)
}
