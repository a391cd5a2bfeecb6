package tracking_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
	"github.com/waymark-gps/waymark/tracker/protocol/h02"
	"github.com/waymark-gps/waymark/tracker/protocol/jt808"
	"github.com/waymark-gps/waymark/tracker/protocol/teltonika"
	"github.com/waymark-gps/waymark/util/storage"
)

// TestCommandAnswers follows commands of four protocols from the queue to the
// answer of the device, byte by byte.
func TestCommandAnswers(t *testing.T) {
	w := newWorld(t)
	tracker, b := w.start(), openBus(t, w.nats)
	const all = "queued sent confirmed"
	check := func(c data.QueuedCommand, result, states string) {
		t.Helper()
		if done := w.wait(c, data.CommandConfirmed); done.Text != result || done.Owner == "" {
			t.Errorf("confirmed with %q by %q, want %q", done.Text, done.Owner, result)
		}
		if got := w.states(c); got != states {
			t.Errorf("states %s, want %s", got, states)
		}
		w.told(c, data.CommandSent)
		w.told(c, data.CommandConfirmed)
		if e := w.recorded(c, data.EventCommandResult); e.Attributes.Get("result") != data.String(result) || e.ServerTime.IsZero() {
			t.Errorf("recorded %+v", e)
		}
	}

	t.Run("gt06", func(t *testing.T) {
		d := w.device(imei)
		p := tracker.gt06(t)
		c := w.queue(b, d, "custom", nil, text("STATUS#"))
		if got := p.command(); got != "STATUS#" {
			t.Errorf("the device got %q", got)
		}
		if w.wait(c, data.CommandSent).SentAt.IsZero() {
			t.Error("sent at no time")
		}
		p.send(gt06.AppendResult(nil, "Battery:4.1V", 0, 9))
		check(c, "Battery:4.1V", all)
	})
	t.Run("teltonika", func(t *testing.T) {
		d := w.device("860000000000026")
		p := dialDevice(t, "tcp", tracker.addr["teltonika/tcp"])
		p.send(teltonika.AppendLogin(nil, d.UniqueID))
		p.read(func(b []byte) int { return min(len(b), 1) })
		c := w.queue(b, d, "getVersion", nil)
		var got string
		p.read(func(b []byte) (n int) { _, got, n, _ = teltonika.Answer(b); return n })
		if got != "getver" {
			t.Errorf("the device got %q", got)
		}
		p.send(teltonika.AppendResult(nil, "Ver:03.27"))
		check(c, "Ver:03.27", all)
	})
	t.Run("h02", func(t *testing.T) {
		d := w.device("8600000034")
		p := dialDevice(t, "tcp", tracker.addr["h02/tcp"])
		p.send(h02.AppendHandshake(nil, d.UniqueID))
		sentence := func(b []byte) int { return bytes.IndexByte(b, '#') + 1 }
		p.read(sentence)
		c := w.queue(b, d, "engineStop", nil)
		if got := string(p.read(sentence)); got != "*HQ,8600000034,S20,120000,1,1#" {
			t.Errorf("the device got %s", got)
		}
		p.send(h02.AppendEcho(nil, d.UniqueID, "S20,DONE,120000", position(w.time(), 0)))
		check(c, "S20,DONE,120000", all)
	})
	t.Run("jt808", func(t *testing.T) {
		d := w.device("013800000042")
		p := dialDevice(t, "tcp", tracker.addr["jt808/tcp"])
		p.send(jt808.AppendHeartbeat(nil, d.UniqueID, 1))
		var kind, serial uint16
		message := func(b []byte) (n int) { kind, serial, _, n, _ = jt808.Answer(b); return n }
		p.read(message)
		c := w.queue(b, d, "engineStop", nil)
		if p.read(message); kind != 0x8105 {
			t.Errorf("the device got %#x", kind)
		}
		p.send(jt808.AppendGeneralAnswer(nil, d.UniqueID, kind, serial, true, 2))
		w.wait(c, data.CommandAcknowledged)
		cut := position(w.time(), 0)
		cut.Attributes.SetBool("blocked", true)
		p.send(jt808.AppendPosition(nil, d.UniqueID, cut, 3))
		check(c, "blocked is true", "queued sent acknowledged confirmed")

		p.read(message) // the answer to the position
		c = w.queue(b, d, "rebootDevice", nil)
		p.read(message)
		p.send(jt808.AppendGeneralAnswer(nil, d.UniqueID, kind, serial, false, 4))
		if failed := w.wait(c, data.CommandFailed); !strings.Contains(failed.Text, "not support") {
			t.Errorf("failed with %q", failed.Text)
		}
	})
}

// TestCommandsWaitForTheDevice queues while the device is away and restarts
// the tracker meanwhile: everything arrives once and in order.
func TestCommandsWaitForTheDevice(t *testing.T) {
	w := newWorld(t)
	b := openBus(t, w.nats)
	d := w.device(imei)
	first := w.queue(b, d, "custom", nil, text("ONE#")) // before any tracker runs
	tracker := w.start()
	second := w.queue(b, d, "custom", nil, text("TWO#"))
	gone := w.queue(b, d, "custom", nil, text("GONE#"))
	if _, err := w.store.ChangeCommand(t.Context(), gone.ID, []data.CommandState{data.CommandQueued}, data.CommandStep{State: data.CommandCancelled, Time: w.time()}); err != nil {
		t.Fatal(err)
	}
	tracker.stop()
	tracker = w.start()
	third := w.queue(b, d, "custom", nil, text("THREE#"))
	p := tracker.gt06(t)
	for _, want := range []string{"ONE#", "TWO#", "THREE#"} {
		if got := p.command(); got != want {
			t.Fatalf("the device got %s, want %s", got, want)
		}
	}
	w.wait(third, data.CommandSent)
	// The oldest is answered first.
	p.send(gt06.AppendResult(nil, "first", 0, 5))
	w.wait(first, data.CommandConfirmed)
	if now := w.wait(second, data.CommandSent); now.Text != "" {
		t.Errorf("the second has the answer %q", now.Text)
	}
	p.Close()
	tracker.stop()
	p = w.start().gt06(t)
	p.beat() // and nothing else: they are not sent again
	if got := w.states(second); got != "queued sent" {
		t.Errorf("states %s", got)
	}
}

// TestCommandFollowsTheDevice moves a device from one tracker to another,
// whose old connection stays open.
func TestCommandFollowsTheDevice(t *testing.T) {
	w := newWorld(t)
	one, two, b := w.start(), w.start(), openBus(t, w.nats)
	d := w.device(imei)
	old := one.gt06(t)
	c := w.queue(b, d, "custom", nil, text("A#"))
	if got := old.command(); got != "A#" {
		t.Fatalf("got %s", got)
	}
	fresh := two.gt06(t)
	// The other tracker hears of it before it hears of the next command.
	c2 := w.queue(b, d, "custom", nil, text("B#"))
	if got := fresh.command(); got != "B#" {
		t.Fatalf("got %s", got)
	}
	first, second := w.wait(c, data.CommandSent), w.wait(c2, data.CommandSent)
	if first.Owner == second.Owner {
		t.Error("one tracker sent both")
	}
	old.beat() // nothing came by the old one
	// An answer that comes by any of them counts.
	fresh.send(gt06.AppendResult(nil, "a", 0, 5))
	w.wait(c, data.CommandConfirmed)
	// Back on the first one, with commands queued in between.
	fresh.Close()
	old.Close()
	w.eventually(func() bool { return one.connections("gt06")+two.connections("gt06") == 0 },
		func() string { return "the connections are not known to be gone" })
	w.queue(b, d, "custom", nil, text("C#"))
	if got := one.gt06(t).command(); got != "C#" {
		t.Errorf("got %s", got)
	}
}

// slowList is a store that takes its time to list commands, the first time.
type slowList struct {
	storage.Store
	once         sync.Once
	asked, reply chan struct{}
}

func (s *slowList) ListCommands(ctx context.Context, f storage.CommandFilter) ([]data.QueuedCommand, error) {
	s.once.Do(func() {
		close(s.asked)
		<-s.reply
	})
	return s.Store.ListCommands(ctx, f)
}

// TestCommandTakesTheNewConnection has a device connect anew while the store is
// asked for its commands.
func TestCommandTakesTheNewConnection(t *testing.T) {
	w := newWorld(t)
	store := &slowList{Store: w.store, asked: make(chan struct{}), reply: make(chan struct{})}
	tracker, b := w.startOn(store), openBus(t, w.nats)
	d := w.device(imei)
	old := tracker.gt06(t)
	c := w.queue(b, d, "custom", nil, text("A#"))
	<-store.asked
	old.Close()
	w.eventually(func() bool { return tracker.connections("gt06") == 0 }, func() string { return "the connection is not known to be gone" })
	close(store.reply)
	if got := tracker.gt06(t).command(); got != "A#" {
		t.Errorf("got %s", got)
	}
	if got := w.states(w.wait(c, data.CommandSent)); got != "queued sent" {
		t.Errorf("states %s", got)
	}
}

func TestCommandExpires(t *testing.T) {
	w := newWorld(t)
	tracker, b := w.start(), openBus(t, w.nats)
	d := w.device(imei)
	stop := w.queue(b, d, "engineStop", nil)
	other := w.queue(b, d, "custom", nil, text("X#"))
	w.advance(data.EngineStopTTL)
	if now := w.wait(stop, data.CommandExpired); now.Text != "the device was not reached in time" {
		t.Errorf("expired with %q", now.Text)
	}
	w.told(stop, data.CommandExpired)
	p := tracker.gt06(t)
	if got := p.command(); got != "X#" {
		t.Errorf("the device got %s", got)
	}
	w.wait(other, data.CommandSent)
	w.advance(data.CommandTTL)
	if now := w.wait(other, data.CommandExpired); now.Text != "sent, but the device has not answered" {
		t.Errorf("expired with %q", now.Text)
	}
	p.send(gt06.AppendResult(nil, "late", 0, 5)) // counts for nothing
	p.beat()
	if got := w.states(other); got != "queued sent expired" {
		t.Errorf("states %s", got)
	}
}

// TestEngineStopMinds the speed when it is sent, not only when it was asked for.
func TestEngineStopMindsTheSpeed(t *testing.T) {
	w := newWorld(t)
	tracker, b := w.start(), openBus(t, w.nats)
	d := w.device(imei)
	interlock := func(c *data.QueuedCommand) { c.InterlockKmh = 20 }
	p := tracker.gt06(t)
	report := func(kmh float64) func() {
		return func() { p.send(gt06.AppendPosition(nil, position(w.time(), kmh), 2)) }
	}
	unknown := w.queue(b, d, "engineStop", interlock)
	w.reaches(unknown, data.CommandFailed, report(60))
	if now := w.wait(unknown, data.CommandFailed); !strings.Contains(now.Text, "60 km/h") {
		t.Errorf("failed with %q", now.Text)
	}
	if got := w.states(unknown); got != "queued failed" {
		t.Errorf("states %s", got)
	}
	w.advance(data.InterlockAge + time.Second) // that speed is too old now
	waiting := w.queue(b, d, "engineStop", interlock)
	next := w.queue(b, d, "custom", nil, text("NEXT#"))
	p.send(gt06.AppendHeartbeat(nil, &data.Position{}, 3))
	for _, c := range []data.QueuedCommand{waiting, next} {
		if now := w.wait(c, data.CommandQueued); !now.SentAt.IsZero() {
			t.Error("sent without a speed, or before its turn")
		}
	}
	w.reaches(waiting, data.CommandSent, report(5))
	w.wait(next, data.CommandSent)
	w.queue(b, d, "engineStop", nil) // forced
	for _, want := range []string{"Relay,1#", "NEXT#", "Relay,1#"} {
		if got := p.nextCommand(); got != want {
			t.Errorf("the device got %s, want %s", got, want)
		}
	}
}

func TestCommandAfterReport(t *testing.T) {
	w := newWorld(t)
	tracker, b := w.start(), openBus(t, w.nats)
	d := w.device(imei)
	p := tracker.gt06(t)
	late := w.queue(b, d, "custom", func(c *data.QueuedCommand) { c.AfterReport = true }, text("A#"))
	next := w.queue(b, d, "custom", nil, text("B#")) // stays behind it
	w.reaches(late, data.CommandSent, func() { p.send(gt06.AppendHeartbeat(nil, &data.Position{}, 3)) })
	w.wait(next, data.CommandSent)
	if got := p.nextCommand() + p.nextCommand(); got != "A#B#" {
		t.Errorf("the device got %s", got)
	}
}

// TestCommandOverUDP goes to where the last datagram came from.
func TestCommandOverUDP(t *testing.T) {
	w := newWorld(t)
	tracker, b := w.start(), openBus(t, w.nats)
	d := w.device("8600000034")
	p := dialDevice(t, "udp", tracker.addr["h02/udp"])
	sentence := func(b []byte) int { return bytes.IndexByte(b, '#') + 1 }
	p.send(h02.AppendHandshake(nil, d.UniqueID))
	p.read(sentence)
	c := w.queue(b, d, "engineResume", nil)
	w.reaches(c, data.CommandSent, func() { p.send(h02.AppendHandshake(nil, d.UniqueID)) })
	for got := ""; got != "*HQ,8600000034,S20,120000,1,0#"; {
		got = string(p.read(sentence))
	}
}

// TestCommandOverHTTP is the body of an answer, one in each.
func TestCommandOverHTTP(t *testing.T) {
	w := newWorld(t)
	tracker, b := w.start(), openBus(t, w.nats)
	d := w.device("phone")
	get := func() string {
		resp, err := http.Get("http://" + tracker.addr["osmand/http"] + "/?id=phone&lat=52.5&lon=13.4")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var body bytes.Buffer
		body.ReadFrom(resp.Body)
		return body.String()
	}
	get()
	one := w.queue(b, d, "custom", nil, text("one"))
	two := w.queue(b, d, "custom", nil, text("6f6e65"), data.Attribute{Key: "hex", Value: data.Bool(true)})
	var got string
	w.eventually(func() bool { got = get(); return got != "" }, func() string { return "no command came" })
	if got != "one" {
		t.Errorf("the phone got %q", got)
	}
	if got = get(); got != "one" {
		t.Errorf("the phone got %q of the bytes 6f6e65", got)
	}
	w.wait(one, data.CommandSent)
	w.wait(two, data.CommandSent)
	if got = get(); got != "" {
		t.Errorf("the phone got %q again", got)
	}
}

// TestCommandThatCannotBeWritten fails with a reason, and the next has its turn.
func TestCommandThatCannotBeWritten(t *testing.T) {
	w := newWorld(t)
	tracker, b := w.start(), openBus(t, w.nats)
	d := w.device(imei)
	d.Attributes = map[string]any{"devicePassword": "777", "decoder.oldFirmware": true}
	if err := w.store.UpdateDevice(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	p := tracker.gt06(t)
	bad := w.queue(b, d, "requestPhoto", nil)
	empty := w.queue(b, d, "custom", nil)
	w.queue(b, d, "engineStop", nil)
	if got := p.command(); got != "DYD,777#" {
		t.Errorf("the device got %s", got)
	}
	for c, want := range map[*data.QueuedCommand]string{&bad: "not supported", &empty: "attribute data"} {
		if now := w.wait(*c, data.CommandFailed); !strings.Contains(now.Text, want) {
			t.Errorf("%s failed with %q", c.Type, now.Text)
		}
	}
	raw := w.queue(b, d, "custom", nil, text("0102ff"), data.Attribute{Key: "hex", Value: data.Bool(true)})
	if frame := p.expect(gt06.CommandType); !strings.Contains(hex.EncodeToString(frame), "0102ff") {
		t.Errorf("the device got %x", frame)
	}
	w.wait(raw, data.CommandSent)
}
