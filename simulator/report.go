package simulator

import (
	"fmt"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"
)

// Report says what came of a run. Durations are nanoseconds in JSON.
type Report struct {
	// Elapsed is how long it took.
	Elapsed time.Duration `json:"elapsedNs"`
	Devices int           `json:"devices"`
	// Made counts reports that devices made.
	Made uint64 `json:"made"`
	// Sent counts reports sent, those sent again too; Resent those alone.
	Sent   uint64 `json:"sent"`
	Resent uint64 `json:"resent"`
	// Acknowledged counts reports that the server took, each once.
	Acknowledged uint64 `json:"acknowledged"`
	// Pending counts reports that were still kept by their devices at the end.
	Pending uint64 `json:"pending"`
	// Dropped counts reports that no longer fitted into the memory of a device.
	Dropped uint64 `json:"dropped"`
	// Noise counts pieces of garbage sent, Commands the commands carried out.
	Noise    uint64 `json:"noise"`
	Commands uint64 `json:"commands"`
	// Connections counts connections made.
	Connections uint64 `json:"connections"`
	// Errors counts what went wrong, by kind.
	Errors map[string]uint64 `json:"errors"`
	// Answers is the time from sending a report to its acknowledgement, Connects
	// that from dialling to being accepted, Late by how much reports were made
	// later than they should, which tells that the simulator itself is too slow.
	Answers  Quantiles `json:"answers"`
	Connects Quantiles `json:"connects"`
	Late     Quantiles `json:"late"`
}

// Failures counts the errors of all kinds.
func (r Report) Failures() (sum uint64) {
	for _, n := range r.Errors {
		sum += n
	}
	return sum
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
	fmt.Fprintf(w, "made\t%d\t\n", r.Made)
	fmt.Fprintf(w, "sent\t%d\t\n", r.Sent)
	fmt.Fprintf(w, "of them again\t%d\t\n", r.Resent)
	fmt.Fprintf(w, "acknowledged\t%d\t(%.1f/s)\n", r.Acknowledged, rate)
	fmt.Fprintf(w, "pending\t%d\t\n", r.Pending)
	fmt.Fprintf(w, "connections\t%d\t\n", r.Connections)
	for _, l := range []struct {
		name string
		n    uint64
	}{{"dropped", r.Dropped}, {"noise", r.Noise}, {"commands", r.Commands}} {
		if l.n > 0 {
			fmt.Fprintf(w, "%s\t%d\t\n", l.name, l.n)
		}
	}
	fmt.Fprintf(w, "errors\t%d\t\n", r.Failures())
	for k := range errorKinds {
		if n := r.Errors[errorKinds[k]]; n > 0 {
			fmt.Fprintf(w, "%s\t%d\t\n", errorKinds[k], n)
		}
	}
	for _, l := range []struct {
		name string
		q    Quantiles
	}{{"answer", r.Answers}, {"connect", r.Connects}, {"late", r.Late}} {
		for _, v := range []struct {
			name string
			d    time.Duration
		}{{"p50", l.q.P50}, {"p95", l.q.P95}, {"p99", l.q.P99}, {"max", l.q.Max}} {
			fmt.Fprintf(w, "%s %s\t%s\t\n", l.name, v.name, v.d.Round(10*time.Microsecond))
		}
	}
	w.Flush()
	return b.String()
}

// errorKind is what went wrong with a connection.
type errorKind int

const (
	errorDial    errorKind = iota // no connection was made
	errorRefused                  // the server does not want the device
	errorClosed                   // the connection broke
	errorTimeout                  // an answer did not come
	errorAnswer                   // an answer makes no sense
	errorKindsCount
)

var errorKinds = [errorKindsCount]string{"dial", "refused", "closed", "timeout", "answer"}

// counters are shared by all devices of a run.
type counters struct {
	made, sent, resent, acknowledged, pending, dropped, noise, commands, connections atomic.Uint64
	connected                                                                        atomic.Int64
	errors                                                                           [errorKindsCount]atomic.Uint64
	answers, connects, late                                                          histogram
}

func (c *counters) report(elapsed time.Duration, devices int) Report {
	r := Report{
		Elapsed: elapsed, Devices: devices, Made: c.made.Load(), Sent: c.sent.Load(), Resent: c.resent.Load(),
		Acknowledged: c.acknowledged.Load(), Pending: c.pending.Load(), Dropped: c.dropped.Load(), Noise: c.noise.Load(),
		Commands: c.commands.Load(), Connections: c.connections.Load(), Errors: map[string]uint64{},
		Answers: c.answers.quantiles(), Connects: c.connects.quantiles(), Late: c.late.quantiles(),
	}
	for k := range c.errors {
		if n := c.errors[k].Load(); n > 0 {
			r.Errors[errorKinds[k]] = n
		}
	}
	return r
}
