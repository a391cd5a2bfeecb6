package live

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/waymark-gps/waymark/data"
)

func wantPositions(t *testing.T, c *fakeConn, want map[int64]int64) shown {
	t.Helper()
	got := c.shown(t)
	if !maps.Equal(got.positions, want) {
		t.Errorf("positions %v, want %v", got.positions, want)
	}
	return got
}

func TestFirstMessage(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		wantPositions(t, b.open(1), map[int64]int64{1: 1, 2: 2, 3: 3, 4: 4, 5: 5})
		wantPositions(t, b.open(2), map[int64]int64{1: 1, 2: 2})
		b.change(func() { b.links[3] = nil })
		if got := b.open(3).take(); len(got) != 1 || got[0] != `{"positions":[]}` {
			t.Errorf("nothing to see: %q", got)
		}
	})
}

func TestLeadingEdgeThenWindow(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		c := b.open(2)
		pass(time.Second)
		c.take()
		b.report(position(10, 1, 0))
		if got := c.shown(t); got.positions[1] != 10 {
			t.Fatalf("an idle socket did not send at once: %v", got)
		}
		for i := range int64(20) {
			pass(2 * time.Millisecond)
			b.report(position(11+i, 1, 0))
		}
		if got := c.take(); len(got) != 0 {
			t.Errorf("sent within the window: %q", got)
		}
		pass(window)
		if got := wantPositions(t, c, map[int64]int64{1: 30}); got.messages != 1 {
			t.Errorf("%d messages for one window", got.messages)
		}
	})
}

func TestOnlyWhatTheViewerSees(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		admin, two, three := b.open(1), b.open(2), b.open(3)
		pass(time.Second)
		admin.take()
		two.take()
		three.take()
		b.report(position(11, 1, 0), position(12, 2, 0), position(13, 3, 0), position(14, 4, 0))
		pass(time.Second)
		for name, c := range map[string]*fakeConn{"two": two, "three": three} {
			want := map[string]map[int64]int64{"two": {1: 11, 2: 12}, "three": {3: 13}}[name]
			got := wantPositions(t, c, want)
			for id := range got.devices {
				if _, ok := want[id]; !ok {
					t.Errorf("%s was told of device %d", name, id)
				}
			}
		}
		wantPositions(t, admin, map[int64]int64{1: 11, 2: 12, 3: 13, 4: 14})
	})
}

func TestOlderFixIsNotShown(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		c := b.open(2)
		pass(time.Second)
		c.take()
		b.report(position(20, 1, -2*time.Hour)) // older than the stored one
		pass(time.Second)
		wantPositions(t, c, nil)
		// A device sends what it kept, newest in the middle of the batch.
		b.report(position(21, 1, -3*time.Minute), position(22, 1, -time.Minute), position(23, 1, -2*time.Minute))
		pass(time.Second)
		wantPositions(t, c, map[int64]int64{1: 22})
	})
}

func TestSlowClientSkips(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		c, other := b.open(2), b.open(2)
		pass(time.Second)
		c.take()
		other.take()
		c.mu.Lock()
		c.stuck = make(chan struct{})
		c.mu.Unlock()
		for i := range int64(200) {
			b.report(position(100+i, 1, 0), position(1000+i, 2, 0))
			pass(10 * time.Millisecond)
		}
		if got := other.shown(t); got.messages < 20 || got.positions[1] != 299 {
			t.Errorf("the other client suffered: %+v", got)
		}
		b.hub.mu.Lock()
		for _, s := range b.hub.sockets {
			if n := len(s.next.positions); n > 2 {
				t.Errorf("%d positions wait for 2 devices", n)
			}
		}
		b.hub.mu.Unlock()
		// It wakes up: the message that was stuck, then the newest and nothing between.
		c.mu.Lock()
		close(c.stuck)
		c.stuck = nil
		c.mu.Unlock()
		pass(time.Second)
		if got := c.shown(t); got.positions[1] != 299 || got.positions[2] != 1199 || got.messages > 6 {
			t.Errorf("after waking up: %+v", got)
		}
	})
}

func TestSlowClientIsClosed(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		c := b.open(2)
		pass(time.Second)
		c.mu.Lock()
		c.stuck = make(chan struct{})
		c.mu.Unlock()
		b.report(position(100, 1, 0))
		pass(writeTimeout)
		select {
		case <-c.closed:
		default:
			t.Fatal("a client that does not read is still open")
		}
		if n := len(b.hub.open()); n != 0 {
			t.Errorf("%d sockets are still known", n)
		}
		if n := b.metric("waymark_web_sockets_slow_total"); n != 1 {
			t.Errorf("the metric says %v", n)
		}
	})
}

func TestLinkTakenAway(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		c := b.open(2)
		pass(time.Second)
		c.take()
		b.report(position(9, 2, 0)) // sent at once; the next ones wait for the window
		b.report(position(10, 1, 0), position(11, 2, 0))
		b.change(func() { b.links[2] = []int64{2} })
		b.bus.users(data.UserChange{ID: 2})
		synctest.Wait()
		pass(time.Second)
		got := wantPositions(t, c, map[int64]int64{2: 11})
		if _, told := got.devices[1]; told {
			t.Error("the device was announced after its link was taken away")
		}
		b.report(position(12, 1, 0), position(13, 2, 0))
		pass(time.Second)
		wantPositions(t, c, map[int64]int64{2: 13})
	})
}

func TestLinkGiven(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		c := b.open(3)
		pass(time.Second)
		c.take()
		b.change(func() { b.links[3] = []int64{3, 4} })
		b.bus.users(data.UserChange{ID: 3})
		pass(time.Second)
		if got := wantPositions(t, c, map[int64]int64{4: 4}); got.devices[4] != data.StatusUnknown || len(got.devices) != 1 {
			t.Errorf("devices %v", got.devices)
		}
		b.change(func() { u := b.users[3]; u.Administrator = true; b.users[3] = u })
		b.bus.users(data.UserChange{ID: 3})
		pass(time.Second)
		if got := c.shown(t); len(got.devices) != 3 || len(got.positions) != 5 {
			t.Errorf("as an administrator: %+v", got)
		}
	})
}

func TestSignedOut(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		gone, stays := b.open(2), b.open(3)
		b.change(func() { delete(b.users, 2) })
		b.bus.users(data.UserChange{ID: 2, SignedOut: true})
		synctest.Wait()
		b.report(position(10, 1, 0))
		pass(window)
		gone.take()
		if gone.code != StatusSignedOut {
			t.Errorf("closed with %d, want %d", gone.code, StatusSignedOut)
		}
		select {
		case <-stays.closed:
			t.Error("somebody else's socket was closed")
		default:
		}
		// A lost message is noticed at the next sweep.
		b.change(func() { delete(b.users, 3) })
		pass(sweepEvery + window)
		if stays.code != StatusSignedOut {
			t.Errorf("after the sweep: code %d", stays.code)
		}
	})
}

func TestKeepAlive(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		c := b.open(3)
		c.take()
		pass(keepAliveEvery)
		if got := c.take(); len(got) != 1 || got[0] != "{}" {
			t.Errorf("after %v: %q", keepAliveEvery, got)
		}
		pass(10 * keepAliveEvery)
		if got := c.take(); len(got) != 10 {
			t.Errorf("%d keep-alives, want 10", len(got))
		}
	})
}

func TestStop(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		c := b.open(1)
		b.stop()
		if c.code != websocket.StatusGoingAway {
			t.Errorf("closed with %d", c.code)
		}
		if late := b.open(1); late.code != websocket.StatusTryAgainLater {
			t.Errorf("opened after the stop: code %d", late.code)
		}
	})
}

func TestStoreDown(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		before := b.open(2)
		b.change(func() { b.down = true })
		if c := b.open(2); c.code != websocket.StatusTryAgainLater {
			t.Errorf("opened without a store: code %d", c.code)
		}
		b.bus.users(data.UserChange{ID: 2})
		pass(5 * sweepEvery)
		before.take()
		b.report(position(10, 1, 0))
		if got := before.shown(t); got.positions[1] != 10 {
			t.Errorf("an open socket stands still: %+v", got)
		}
		// The change that came meanwhile is not forgotten.
		b.change(func() { b.down = false; b.links[2] = nil })
		pass(2 * tickEvery)
		before.take()
		b.report(position(11, 1, 0))
		pass(time.Second)
		wantPositions(t, before, nil)
	})
}

func TestTooManySockets(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		for range maxUserSockets {
			b.open(2)
		}
		if c := b.open(2); c.code != websocket.StatusTryAgainLater {
			t.Errorf("one more was opened: code %d", c.code)
		}
		if c := b.open(3); c.code != 0 {
			t.Errorf("somebody else was refused: code %d", c.code)
		}
	})
}

func TestLargeListIsCut(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.change(func() {
			for id := int64(1); id <= 5000; id++ {
				b.last[id] = position(id, id, -time.Hour)
			}
		})
		c := b.open(1)
		for _, m := range c.got {
			if len(m) > maxMessage+2 {
				t.Errorf("a message of %d bytes", len(m))
			}
		}
		if got := c.shown(t); len(got.positions) != 5000 || got.messages < 2 {
			t.Errorf("%d positions in %d messages", len(got.positions), got.messages)
		}
	})
}

func TestMessageShape(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.change(func() { b.links[2] = []int64{1} })
		c := b.open(2)
		at := time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04:05.000-07:00")
		want := fmt.Sprintf(`{"positions":[{"id":1,"deviceId":1,"protocol":"test","serverTime":"%[1]s","deviceTime":"%[1]s","fixTime":"%[1]s",`+
			`"outdated":false,"valid":true,"latitude":0.0,"longitude":0.0,"altitude":0.0,"speed":0.0,"course":0.0,`+
			`"address":null,"accuracy":0.0,"network":null,"geofenceIds":null,"attributes":{}}]}`, at)
		if got := c.take(); len(got) != 1 || got[0] != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// A position that arrives while the last ones are read is newer than those.
func TestReportWhileOpening(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.change(func() {
			b.meanwhile = func() { b.bus.live([]data.Position{position(10, 1, 0)}) }
		})
		c := b.open(2)
		pass(time.Second)
		wantPositions(t, c, map[int64]int64{1: 10, 2: 2})
	})
}

// TestSecretsAreForEditors: who may not change devices is not told what lets one
// speak as them; all else is the same.
func TestSecretsAreForEditors(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.change(func() {
			d := b.devices[1]
			d.Attributes = map[string]any{"ingest.token": "hush", "colour": "red"}
			b.devices[1] = d
			u := b.users[2]
			u.DeviceReadonly = true
			b.users[2] = u
		})
		for id, secret := range map[int64]bool{1: true, 2: false} {
			c := b.open(id)
			pass(time.Second)
			c.take()
			b.bus.devices(data.DeviceChange{ID: 1})
			b.report(position(10+id, 1, 0))
			pass(time.Second)
			all := strings.Join(c.take(), "\n")
			if strings.Contains(all, "hush") != secret || !strings.Contains(all, `"colour":"red"`) {
				t.Errorf("user %d is told %s", id, all)
			}
		}
	})
}
