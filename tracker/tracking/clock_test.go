package tracking_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
)

// TestClockSteps sets the clock of a tracker back and forward while a device is
// connected: it is served as before, and commands end neither early nor never.
func TestClockSteps(t *testing.T) {
	w := newWorld(t)
	tracker, b := w.start(), openBus(t, w.nats)
	d := w.device(imei)
	p := tracker.gt06(t)
	steps := []time.Duration{-time.Hour, 25 * time.Hour, -24 * time.Hour}
	for i, step := range steps {
		w.advance(step)
		p.send(gt06.AppendPosition(nil, position(w.time(), 30), uint16(10+i)))
		p.expect(gt06.PositionType) // stored, and said so
		sent := fmt.Sprintf("N%d#", i)
		c := w.queue(b, d, "custom", nil, text(sent))
		if got := p.command(); got != sent {
			t.Fatalf("clock at %v: the device got %s, want %s", w.time(), got, sent)
		}
		w.wait(c, data.CommandSent)
		p.send(gt06.AppendResult(nil, "done", 0, uint16(20+i)))
		w.wait(c, data.CommandConfirmed)
	}
	stored := 0
	w.eventually(func() bool {
		stored = 0
		err := w.store.PositionsBetween(t.Context(), d.ID, time.Time{}, w.time().Add(48*time.Hour), 100, func(p *data.Position) error {
			if p.Attributes.Get("result") == (data.Value{}) {
				stored++
			}
			return nil
		})
		return err == nil && stored == len(steps)
	}, func() string { return fmt.Sprintf("%d positions are stored, want %d", stored, len(steps)) })

	absent := w.device("860000000000026")
	c := w.queue(b, absent, "custom", nil, text("X#"))
	w.advance(-time.Hour)
	p.beat() // time goes on
	if got := w.states(c); got != "queued" {
		t.Errorf("an hour back the command is %s", got)
	}
	w.advance(time.Hour + data.CommandTTL)
	w.wait(c, data.CommandExpired)
}
