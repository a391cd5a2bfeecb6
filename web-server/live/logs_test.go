package live

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waymark-gps/waymark/data"
)

func (b *bench) say(c *fakeConn, message string) {
	c.says <- message
	synctest.Wait()
}

// line is a raw message of a device; 0 is a stranger.
func line(device int64, text string) data.LogLine {
	return data.LogLine{DeviceID: device, UniqueID: fmt.Sprintf("id%d", device), Host: "192.0.2.1:5", Protocol: "gt06", Data: []byte(text), Time: time.Unix(0, 0)}
}

func (b *bench) log(lines ...data.LogLine) {
	b.bus.logs(data.LogBatch{Lines: lines})
	pass(window)
}

// logged returns what a client was shown of the logs.
func (c *fakeConn) logged(t *testing.T) (out []string) {
	t.Helper()
	for _, m := range c.take() {
		var in struct {
			Logs []struct {
				DeviceID int64
				UniqueID string
				Data     string
			}
		}
		if err := json.Unmarshal([]byte(m), &in); err != nil {
			t.Fatalf("message %s: %v", m, err)
		}
		for _, l := range in.Logs {
			out = append(out, fmt.Sprintf("%d %s", l.DeviceID, l.Data))
		}
	}
	return out
}

// asked returns the last thing that the trackers were told.
func (b *bench) asked() (data.LogInterest, int) {
	b.bus.mu.Lock()
	defer b.bus.mu.Unlock()
	if len(b.bus.interests) == 0 {
		return data.LogInterest{}, 0
	}
	return b.bus.interests[len(b.bus.interests)-1], len(b.bus.interests)
}

func TestLogsOnlyForWhoMaySee(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		admin, two, three, quiet := b.open(1), b.open(2), b.open(3), b.open(1)
		for _, c := range []*fakeConn{admin, two, three} {
			b.say(c, `{"logs":true}`)
			c.take()
		}
		b.log(line(1, "a"), line(3, "b"), line(0, "c"))
		for name, c := range map[string]struct {
			conn *fakeConn
			want []string
		}{
			"administrator":         {admin, []string{"1 61", "3 62", "0 63"}},
			"of devices 1 and 2":    {two, []string{"1 61"}},
			"of device 3":           {three, []string{"3 62"}},
			"one that did not wish": {quiet, nil},
		} {
			if got := c.conn.logged(t); !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
		b.change(func() { b.links[3] = nil })
		b.bus.users(data.UserChange{ID: 3})
		synctest.Wait()
		b.log(line(3, "d"))
		if got := three.logged(t); got != nil {
			t.Errorf("after the link was removed: %v", got)
		}
		b.say(admin, `{"logs":false}`)
		admin.take()
		b.log(line(1, "e"))
		if got := admin.logged(t); got != nil {
			t.Errorf("after it was switched off: %v", got)
		}
	})
}

func TestLogsOfSomeDevices(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		two := b.open(2)
		b.say(two, `{"logs":true,"deviceIds":[2,3]}`)
		two.take()
		if i, _ := b.asked(); i.All || !slices.Equal(i.DeviceIDs, []int64{2}) {
			t.Errorf("asked for %+v, want device 2, which it may see", i)
		}
		b.log(line(1, "a"), line(2, "b"), line(3, "c"))
		if got := two.logged(t); !slices.Equal(got, []string{"2 62"}) {
			t.Errorf("%v", got)
		}
	})
}

func TestLogLineShape(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		admin := b.open(1)
		b.say(admin, `{"logs":true}`)
		admin.take()
		sent := line(1, "x\x01")
		sent.Sent, sent.Summary = true, "fine"
		b.log(sent, line(0, "y"))
		want := `{"logs":[{"deviceId":1,"uniqueId":"id1","host":"192.0.2.1:5","protocol":"gt06","data":"7801","direction":"out","time":"1970-01-01T00:00:00.000+00:00","summary":"fine"},` +
			`{"uniqueId":"id0","host":"192.0.2.1:5","protocol":"gt06","data":"79","direction":"in","time":"1970-01-01T00:00:00.000+00:00","summary":""}]}`
		if got := admin.take(); len(got) != 1 || got[0] != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

func TestLogInterestIsSaidAgainAndEnds(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		if _, n := b.asked(); n > 0 {
			t.Fatal("asked although nobody watches")
		}
		two := b.open(2)
		b.say(two, `{"logs":true}`)
		i, n := b.asked()
		if n != 1 || i.All || !slices.Equal(i.DeviceIDs, []int64{1, 2}) || i.Watcher == "" {
			t.Fatalf("%d times, %+v", n, i)
		}
		pass(3 * data.LogInterestEvery)
		if _, n := b.asked(); n < 3 || n > 5 {
			t.Errorf("asked %d times in %v", n, 3*data.LogInterestEvery)
		}
		admin := b.open(1)
		b.say(admin, `{"logs":true}`)
		if i, _ := b.asked(); !i.All {
			t.Errorf("%+v, an administrator watches all", i)
		}
		two.CloseNow()
		admin.CloseNow()
		pass(2 * tickEvery)
		i, n = b.asked()
		if i.All || len(i.DeviceIDs) > 0 {
			t.Errorf("%+v although nobody watches", i)
		}
		pass(3 * data.LogInterestEvery)
		if _, again := b.asked(); again != n {
			t.Error("asked again although nobody watches")
		}
	})
}

func TestLogsAreBounded(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		admin := b.open(1)
		b.say(admin, `{"logs":true}`)
		admin.take()
		admin.mu.Lock()
		admin.stuck = make(chan struct{})
		admin.mu.Unlock()
		b.log(line(1, "first")) // is being written
		var lines []data.LogLine
		for i := range 3 * maxLogs {
			lines = append(lines, line(1, fmt.Sprint(i)))
		}
		b.log(lines...)
		close(admin.stuck)
		pass(window)
		got := admin.logged(t)
		if len(got) != 1+maxLogs || !strings.HasSuffix(got[len(got)-1], fmt.Sprintf("%x", fmt.Sprint(3*maxLogs-1))) {
			t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
		}
	})
}

func TestOtherMessagesAreNoWishes(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		admin := b.open(1)
		for _, m := range []string{"{}", "null", "[", `{"logs":"yes"}`, `{"logs":null}`, `{"deviceIds":[1]}`, `{"logs":true,"deviceIds":[` + strings.Repeat("1,", data.MaxLogDevices) + `1]}`} {
			b.say(admin, m)
		}
		admin.take()
		b.log(line(1, "a"))
		if got := admin.logged(t); got != nil {
			t.Errorf("%v", got)
		}
	})
}
