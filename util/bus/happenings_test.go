package bus

import (
	"errors"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// TestEventsAndSeen wants everything that was published, in as many messages as
// it takes.
func TestEventsAndSeen(t *testing.T) {
	cfg := DefaultConfig()
	cfg.URL = external(t, true)
	here, there := open(t, cfg, ""), open(t, cfg, "")
	events, seen := make(chan []data.Event, 16), make(chan map[int64]time.Time, 16)
	if _, err := there.SubscribeEvents(func(e []data.Event) { events <- e }); err != nil {
		t.Fatal(err)
	}
	if _, err := there.SubscribeSeen(func(s map[int64]time.Time) { seen <- s }); err != nil {
		t.Fatal(err)
	}
	if err := there.conn.Flush(); err != nil { // until the server knows of both
		t.Fatal(err)
	}
	var sent []data.Event
	for i := range int64(2*maxEvents + 1) {
		e := data.Event{ID: i + 1, DeviceID: 7, Type: data.EventAlarm, Time: time.UnixMilli(i).UTC(), ServerTime: time.UnixMilli(5).UTC(), PositionID: 3, Detail: "sos"}
		e.Attributes.SetString("alarm", "sos")
		e.Attributes.SetFloat("speed", 12)
		e.Attributes.SetInt("count", i)
		sent = append(sent, e)
	}
	sent[0].End = time.UnixMilli(9).UTC()
	spoke := map[int64]time.Time{}
	for i := range int64(maxSeen + 1) {
		spoke[i] = time.UnixMilli(1_790_000_000_000 + i).UTC()
	}
	if err := errors.Join(here.PublishEvents(sent), here.PublishSeen(spoke), here.PublishEvents(nil), here.PublishSeen(nil)); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(patience)
	var got []data.Event
	heard := map[int64]time.Time{}
	for len(got) < len(sent) || len(heard) < len(spoke) {
		select {
		case e := <-events:
			got = append(got, e...)
		case s := <-seen:
			maps.Copy(heard, s)
		case <-deadline:
			t.Fatalf("%d events of %d, %d devices of %d", len(got), len(sent), len(heard), len(spoke))
		}
	}
	if !reflect.DeepEqual(got, sent) {
		t.Error("the events differ")
	}
	if !maps.Equal(heard, spoke) {
		t.Error("the devices differ")
	}
}
