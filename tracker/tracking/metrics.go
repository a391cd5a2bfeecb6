package tracking

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// metrics are what tracking counts. Labels are protocols and outcomes only, so
// that their number stays small whatever devices send.
type metrics struct {
	connections *prometheus.GaugeVec
	turnedAway  *prometheus.CounterVec
	bytes       *prometheus.CounterVec
	frames      *prometheus.CounterVec
	positions   *prometheus.CounterVec
	refusals    *prometheus.CounterVec
	commits     prometheus.Histogram
	batches     prometheus.Counter
	commands    *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "waymark_tracker_connections", Help: "Open connections of devices.",
		}, []string{"protocol"}),
		turnedAway: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_tracker_connections_refused_total", Help: "Connections over the limit.",
		}, []string{"protocol"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_tracker_bytes_total", Help: "Bytes from (in) and to (out) devices.",
		}, []string{"protocol", "transport", "direction"}),
		frames: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_tracker_frames_total", Help: "Frames by outcome: decoded, unreadable, broken (the stream could not be cut), panic.",
		}, []string{"protocol", "outcome"}),
		positions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_tracker_positions_total", Help: "Positions by outcome: durable, failed.",
		}, []string{"protocol", "outcome"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_tracker_refused_total", Help: "Packets of devices that are unknown, disabled or expired.",
		}, []string{"protocol"}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_tracker_commit_seconds", Help: "Time from the start of a commit until it is durable.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}),
		batches: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_tracker_batches_total", Help: "Batches of positions published.",
		}),
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_tracker_commands_total", Help: "Changes of commands by the state they came to.",
		}, []string{"state"}),
	}
	reg.MustRegister(m.connections, m.turnedAway, m.bytes, m.frames, m.positions, m.refusals, m.commits, m.batches, m.commands)
	return m
}

func (m *metrics) committed(took time.Duration, batches int) {
	m.commits.Observe(took.Seconds())
	m.batches.Add(float64(batches))
}

// protocolMetrics are the counters of one protocol, looked up once.
type protocolMetrics struct {
	frames, unreadable, broken, panics, positions, failed, refused prometheus.Counter
}

func (m *metrics) protocol(name string) *protocolMetrics {
	return &protocolMetrics{
		frames:     m.frames.WithLabelValues(name, "decoded"),
		unreadable: m.frames.WithLabelValues(name, "unreadable"),
		broken:     m.frames.WithLabelValues(name, "broken"),
		panics:     m.frames.WithLabelValues(name, "panic"),
		positions:  m.positions.WithLabelValues(name, "durable"),
		failed:     m.positions.WithLabelValues(name, "failed"),
		refused:    m.refusals.WithLabelValues(name),
	}
}

// transportMetrics implements transport.Counter.
type transportMetrics struct {
	open            prometheus.Gauge
	refused         prometheus.Counter
	bytesIn, bytesO prometheus.Counter
}

func (m *metrics) transport(name string, t protocol.Transport) *transportMetrics {
	return &transportMetrics{
		open:    m.connections.WithLabelValues(name),
		refused: m.turnedAway.WithLabelValues(name),
		bytesIn: m.bytes.WithLabelValues(name, t.String(), "in"),
		bytesO:  m.bytes.WithLabelValues(name, t.String(), "out"),
	}
}

func (t *transportMetrics) Connected(delta int) { t.open.Add(float64(delta)) }
func (t *transportMetrics) Refused()            { t.refused.Inc() }
func (t *transportMetrics) Bytes(in, out int) {
	if in > 0 {
		t.bytesIn.Add(float64(in))
	}
	if out > 0 {
		t.bytesO.Add(float64(out))
	}
}
