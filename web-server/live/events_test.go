package live

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// events are the ids of the commands whose answers a client has got.
func (c *fakeConn) events(t *testing.T) (ids []int64) {
	t.Helper()
	for _, m := range c.take() {
		var in struct {
			Events []struct{ Attributes struct{ CommandID int64 } }
		}
		if err := json.Unmarshal([]byte(m), &in); err != nil {
			t.Fatalf("message %s: %v", m, err)
		}
		for _, e := range in.Events {
			ids = append(ids, e.Attributes.CommandID)
		}
	}
	return ids
}

func answer(id, deviceID int64) data.CommandChange {
	return data.CommandChange{ID: id, DeviceID: deviceID, Type: "custom", State: data.CommandConfirmed, Text: "OK", Time: time.Now()}
}

func TestEventsComeInOrderToThoseWhoSeeTheDevice(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		root, two, three := b.open(1), b.open(2), b.open(3)
		for _, c := range []*fakeConn{root, two, three} {
			c.take()
		}
		for id := int64(1); id <= 4; id++ {
			b.bus.command(answer(id, 1+id%2)) // devices 2 and 1
		}
		b.bus.command(answer(5, 3))
		b.bus.command(data.CommandChange{ID: 6, DeviceID: 3, State: data.CommandQueued}) // no event
		pass(time.Second)
		for who, want := range map[*fakeConn]int{root: 5, two: 4, three: 1} {
			got := who.events(t)
			if len(got) != want {
				t.Errorf("got the answers %v, want %d", got, want)
			}
			for i := 1; i < len(got); i++ {
				if got[i] < got[i-1] {
					t.Errorf("answers out of order: %v", got)
				}
			}
		}
		// Whoever loses a device gets nothing that was still to come.
		two.mu.Lock()
		two.stuck = make(chan struct{})
		two.mu.Unlock()
		b.bus.command(answer(7, 1))
		pass(time.Second)
		b.bus.command(answer(8, 1)) // waits behind the one that is stuck
		b.change(func() { b.links[2] = []int64{2} })
		b.bus.users(data.UserChange{ID: 2})
		pass(time.Second)
		close(two.stuck)
		pass(time.Second)
		if got := two.events(t); len(got) > 1 || len(got) == 1 && got[0] != 7 {
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
		b.bus.command(answer(1, 1))
		pass(100 * time.Millisecond)
		for id := int64(2); id <= 3*maxEvents; id++ {
			b.bus.command(answer(id, 1))
		}
		close(c.stuck)
		pass(time.Second)
		got := c.events(t)
		if len(got) != maxEvents+1 || got[len(got)-1] != 3*maxEvents {
			t.Errorf("got %d answers, the last %d; want the last %d of them", len(got), got[len(got)-1], maxEvents)
		}
	})
}
