package tracking

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/all"
)

// fakeLogs keeps the lines that are published.
type fakeLogs struct {
	mu    sync.Mutex
	watch func(data.LogInterest)
	lines []data.LogLine
}

func (f *fakeLogs) PublishLogs(b data.LogBatch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = append(f.lines, b.Lines...)
	return nil
}

func (f *fakeLogs) SubscribeLogInterest(watch func(data.LogInterest)) (func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watch = watch
	return func() {}, nil
}

// interested says that somebody watches, as soon as somebody listens to that.
func (f *fakeLogs) interested(t *testing.T, i data.LogInterest) {
	t.Helper()
	i.Watcher = "test"
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		watch := f.watch
		f.mu.Unlock()
		if watch != nil {
			watch(i)
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody asks who is watching")
		}
	}
}

// shown waits until so many lines have come and writes them: direction, device,
// what was said.
func (f *fakeLogs) shown(t *testing.T, n int) (out []string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		lines := slices.Clone(f.lines)
		f.mu.Unlock()
		if len(lines) >= n || time.Now().After(deadline) {
			for _, l := range lines {
				out = append(out, arrow(l.Sent)+l.UniqueID+" "+string(rune('0'+l.DeviceID%10))+" "+strings.TrimSpace(string(l.Data)))
				if l.Time.IsZero() || l.Host == "" {
					t.Errorf("line without a time or an address: %+v", l)
				}
			}
			return out
		}
	}
}

func arrow(sent bool) string {
	if sent {
		return "<"
	}
	return ">"
}

// startLogged is a tracker whose lines are watched.
func startLogged(t *testing.T, i data.LogInterest, change func(*Config, *rig)) (*rig, *fakeLogs) {
	t.Helper()
	logs := &fakeLogs{}
	r := start(t, func(c *Config, r *rig) {
		if change != nil {
			change(c, r)
		}
		before := r.deps
		r.deps = func(d *Deps) {
			if before != nil {
				before(d)
			}
			d.RawLog = logs
		}
	})
	logs.interested(t, i)
	return r, logs
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRawLogShowsBothSides(t *testing.T) {
	r, logs := startLogged(t, data.LogInterest{All: true}, nil)
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("PING\n")
	c.want("PONG")
	c.send("ID anna\n")
	c.want("HELLO anna")
	c.send("P 1\n")
	c.want("OK 1")
	c.send("what\n")
	got := logs.shown(t, 7)
	want(t, got, "> 0 PING", "< 0 PONG", ">anna 1 ID anna", "<anna 1 HELLO anna", ">anna 1 P 1", "<anna 1 OK 1", ">anna 1 what")
	logs.mu.Lock()
	defer logs.mu.Unlock()
	place, broken := logs.lines[4], logs.lines[6]
	if !strings.Contains(place.Summary, "2026-11-22T12:00:01Z 0.000000 0.000000") || place.Protocol != "line" || place.DeviceID != 11 {
		t.Errorf("place: %+v", place)
	}
	if !strings.Contains(broken.Summary, "unknown word") {
		t.Errorf("unreadable: %+v", broken)
	}
}

// TestRawLogKeepsDevicesApart: who watches one device learns nothing of others,
// neither from what they send nor from an answer to several.
func TestRawLogKeepsDevicesApart(t *testing.T) {
	r, logs := startLogged(t, data.LogInterest{DeviceIDs: []int64{11}}, nil)
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("PING\nRELAY anna late\n")
	c.want("PONG", "DONE")
	c.send("AT anna\nAT late\n") // one answer to both
	c.want("OK 1", "OK 1")
	c.send("AT anna\n") // to anna alone
	c.want("OK 1")
	c = dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID late\n")
	c.want("HELLO late")
	c = dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID bob\n")
	c.want("NO")
	c = dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID anna\n")
	c.want("HELLO anna")
	want(t, logs.shown(t, 5), ">anna 1 AT anna", ">anna 1 AT anna", "<anna 1 OK 1", ">anna 1 ID anna", "<anna 1 HELLO anna")
}

func TestRawLogShowsStrangers(t *testing.T) {
	r, logs := startLogged(t, data.LogInterest{All: true}, nil)
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID bob\n")
	c.want("NO")
	want(t, logs.shown(t, 2), ">bob 0 ID bob", "<bob 0 NO")
}

func TestRawLogCoversSecrets(t *testing.T) {
	r, logs := startLogged(t, data.LogInterest{All: true}, func(c *Config, r *rig) {
		c.Ports = map[string]string{"*": "off", "wialon": "0", "osmand": "0"}
		r.deps = func(d *Deps) { d.Protocols = all.All() }
	})
	c := dial(t, "tcp", r.addr["wialon/tcp"])
	c.send("#L#42;geheim\r\n")
	io.ReadAll(c)
	resp, err := http.Get("http://" + r.addr["osmand/http"] + "/?id=42&token=geheim&lat=1&lon=2")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	resp, err = http.Get("http://" + r.addr["osmand/http"] + "/apps/phonetrack/logGet/geheim/42?lat=1&lon=2")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	logs.shown(t, 6)
	r.stop()
	if all := strings.Join(logs.shown(t, 6), "\n"); strings.Contains(all, "geheim") || !strings.Contains(all, "#L#42;******") || !strings.Contains(all, "GET /?id=42&token=***&lat=1") || !strings.Contains(all, "logGet/***/42") {
		t.Errorf("lines:\n%s", all)
	}
	for _, u := range r.store.strangers {
		for _, frame := range append(u.Frames, u.LastFrame) {
			if strings.Contains(string(frame), "geheim") {
				t.Errorf("the list of strangers shows %q", frame)
			}
		}
	}
}

func TestRawLogIsQuietUnwatched(t *testing.T) {
	r, logs := startLogged(t, data.LogInterest{}, nil)
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID anna\nP 1\n")
	c.want("HELLO anna", "OK 1")
	r.stop()
	want(t, logs.shown(t, 0))
	if len(r.raw.lines) > 0 {
		t.Error("lines wait")
	}
}

func TestRawLogInterestEnds(t *testing.T) {
	now := base
	r := newRawLog(Deps{Now: func() time.Time { return now }})
	r.watch(data.LogInterest{Watcher: "a", DeviceIDs: []int64{1}})
	r.watch(data.LogInterest{Watcher: "b", DeviceIDs: []int64{2}})
	if !r.wants(1) || !r.wants(2) || r.wants(3) || r.wants(0) {
		t.Error("it wants something else")
	}
	r.watch(data.LogInterest{Watcher: "b"})
	now = now.Add(data.LogInterestFor)
	r.expire()
	if !r.wants(1) || r.wants(2) {
		t.Error("b has ended, a has not")
	}
	now = now.Add(time.Second)
	r.expire()
	if r.interest.Load() != nil {
		t.Error("a has not said so again")
	}
	for range 2 * maxWatchers {
		r.watch(data.LogInterest{Watcher: strings.Repeat("x", len(r.watchers)+1), All: true})
	}
	if len(r.watchers) != maxWatchers {
		t.Errorf("%d watchers", len(r.watchers))
	}
}

func TestRawLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := &fakeLogs{}
		r := newRawLog(Deps{Now: time.Now, RawLog: logs})
		for range rawQueue + 10 {
			r.add(data.LogLine{Host: "h", Data: make([]byte, 2*data.MaxLogData)})
		}
		r.publishAll(t.Context())
		if n := len(logs.lines); n != rawQueue || len(logs.lines[0].Data) != data.MaxLogData {
			t.Fatalf("%d lines of %d bytes", n, len(logs.lines[0].Data))
		}
		if said := logs.lines[rawBatch-1].Summary; !strings.Contains(said, "10 lines") {
			t.Errorf("the gap is not mentioned: %q", said)
		}
	})
}

// publishAll publishes what waits.
func (r *rawLog) publishAll(ctx context.Context) {
	for len(r.lines) > 0 {
		r.publish(r.gather(ctx, <-r.lines))
	}
}

func TestStrangersAreShownWithWhatTheySent(t *testing.T) {
	r := start(t, nil)
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID bob\nP 1\nP 2\nP 3\nP 4\n")
	c.want("NO")
	c.wantClosed()
	c = dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID bob\n")
	c.want("NO")
	c = dial(t, "tcp", r.addr["line/tcp"])
	c.send("AT carl\n")
	c.wantClosed()
	r.stop()
	if got := r.bus.positions(); len(got) != 0 {
		t.Errorf("positions of strangers: %v", got)
	}
	slices.SortFunc(r.store.strangers, func(a, b data.UnknownDevice) int { return strings.Compare(a.UniqueID, b.UniqueID) })
	if len(r.store.strangers) < 2 {
		t.Fatalf("strangers: %+v", r.store.strangers)
	}
	bob, carl := r.store.strangers[0], r.store.strangers[len(r.store.strangers)-1]
	var frames []string
	for _, f := range bob.Frames {
		frames = append(frames, string(f))
	}
	want(t, frames, "ID bob", "P 1", "P 2", "P 3")
	if !strings.Contains(string(bob.Preview), `"fixTime":"2026-11-22T12:00:0`) {
		t.Errorf("preview %s", bob.Preview)
	}
	if carl.UniqueID != "carl" || !strings.Contains(string(carl.Preview), `"fixTime":"2026-11-22T12:00:01`) {
		t.Errorf("carl: %+v", carl)
	}
}
