package live

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// events are the ids of the events that a client has got.
func (c *fakeConn) events(t *testing.T) (ids []int64) {
	t.Helper()
	for _, m := range c.take() {
		var in struct {
			Events []struct{ ID int64 }
		}
		if err := json.Unmarshal([]byte(m), &in); err != nil {
			t.Fatalf("message %s: %v", m, err)
		}
		for _, e := range in.Events {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

func happened(id, deviceID, userID int64) data.Notice {
	e := data.Event{ID: id, DeviceID: deviceID, Type: data.EventAlarm, Time: time.Now()}
	return data.Notice{UserID: userID, DeviceID: deviceID, Event: e.AppendJSON(nil)}
}

func TestEventsComeInOrderToThoseWhoAreTold(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		root, two, again, three := b.open(1), b.open(2), b.open(2), b.open(3)
		for _, c := range []*fakeConn{root, two, again, three} {
			c.take()
		}
		for id := int64(1); id <= 4; id++ {
			b.bus.notice(happened(id, 1+id%2, 2)) // devices 2 and 1
		}
		b.bus.notice(happened(5, 3, 3))
		b.bus.notice(happened(6, 3, 2)) // which user 2 does not see
		b.bus.notice(happened(7, 0, 2)) // of no device
		pass(time.Second)
		for who, want := range map[*fakeConn][]int64{root: nil, two: {1, 2, 3, 4, 7}, again: {1, 2, 3, 4, 7}, three: {5}} {
			if got := who.events(t); !slices.Equal(got, want) {
				t.Errorf("got the events %v, want %v", got, want)
			}
		}
		// Whoever loses a device gets nothing that was still to come.
		two.mu.Lock()
		two.stuck = make(chan struct{})
		two.mu.Unlock()
		b.bus.notice(happened(8, 1, 2))
		pass(time.Second)
		b.bus.notice(happened(9, 1, 2)) // waits behind the one that is stuck
		b.change(func() { b.links[2] = []int64{2} })
		b.bus.users(data.UserChange{ID: 2})
		pass(time.Second)
		close(two.stuck)
		pass(time.Second)
		if got := two.events(t); len(got) > 1 || len(got) == 1 && got[0] != 8 {
			t.Errorf("got %v of a device that is not theirs any more", got)
		}
	})
}

func TestEventsThatWaitAreBounded(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		c := b.open(1)
		c.take()
		c.mu.Lock()
		c.stuck = make(chan struct{})
		c.mu.Unlock()
		b.bus.notice(happened(1, 1, 1))
		pass(100 * time.Millisecond)
		for id := int64(2); id <= 3*maxEvents; id++ {
			b.bus.notice(happened(id, 1, 1))
		}
		close(c.stuck)
		pass(time.Second)
		got := c.events(t)
		if len(got) != maxEvents+1 || got[len(got)-1] != 3*maxEvents {
			t.Errorf("got %d events, the last %d; want the last %d of them", len(got), got[len(got)-1], maxEvents)
		}
	})
}
