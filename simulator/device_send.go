package simulator

import (
	"time"

	"github.com/waymark-gps/waymark/data"
)

// send sends a burst of reports or a heartbeat, if either is due.
func (d *device) send(now time.Time) (sent bool, err error) {
	if len(d.flight) > 0 {
		return false, nil
	}
	burst := len(d.kept) >= max(1, d.cfg.Batch)
	if !burst && now.Before(d.due.beat) {
		return false, nil
	}
	scratch := newScratch()
	defer scratch.free()
	out := scratch.out
	broken := false
	if burst {
		out, broken = d.burst(out, scratch)
	}
	if broken {
		err = d.write(out)
		d.close()
		return false, err
	}
	if !burst || d.dialect.closing() {
		before := len(out)
		if out = d.dialect.heartbeat(out, d, d.state(scratch), d.nextSerial()); len(out) > before {
			d.beats++
		}
		d.due.beat = now.Add(d.cfg.Heartbeat)
	}
	if len(out) == 0 {
		return false, nil
	}
	d.due.sent, d.due.answer = now, now.Add(d.cfg.Timeout)
	return true, d.write(out)
}

// burst writes the oldest reports: as many as are sent together, or some more
// of what was kept in a tunnel. broken says that the connection has to end
// instead, after what is written.
func (d *device) burst(out []byte, scratch *scratch) (all []byte, broken bool) {
	n := min(len(d.kept), max(d.cfg.Batch, maxBurst))
	d.answers = 0
	for i := 0; i < n; {
		size := d.together(d.kept[i:n])
		positions := scratch.positions[:size]
		for k := range positions {
			r := &d.kept[i+k]
			if out, broken = d.noise(out, r); broken {
				d.flight = d.flight[:0]
				return out, true
			}
			positions[k].Attributes = scratch.attributes[k][:0]
			r.position(&positions[k])
		}
		serial := d.nextSerial()
		out = d.dialect.report(out, d, positions, serial)
		d.flight = append(d.flight, frame{serial, size})
		i += size
	}
	for i := range d.kept[:n] {
		r := &d.kept[i]
		d.counts.sent.Add(1)
		if r.flags&(flagSent|flagAgain) != 0 {
			d.counts.resent.Add(1)
		}
		r.flags |= flagSent
	}
	return out, false
}

// together is how many of the reports one message takes. Those from a tunnel
// have messages of their own, so that a report is the same whenever it is sent.
func (d *device) together(reports []report) int {
	n := 1
	for n < min(len(reports), d.dialect.room()) && (reports[n].flags^reports[0].flags)&flagStored == 0 {
		n++
	}
	return n
}

// state is what a heartbeat and the answer to a command tell: the last place,
// now.
func (d *device) state(scratch *scratch) *data.Position {
	p := &scratch.positions[0]
	p.Attributes = scratch.attributes[0][:0]
	r := d.last
	r.at, r.flags = d.clock().Unix(), r.flags&^(flagRelay|flagBlocked)|d.relay
	r.position(p)
	return p
}
