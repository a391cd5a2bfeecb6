package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/waymark-gps/waymark/data"
)

// open waits for a bus that is not ready in connectTimeout: machines are busy.
func open(t *testing.T, cfg Config, dir string) (b *Bus) {
	t.Helper()
	eventually(t, "the bus", func() (ok bool) {
		var err error
		if b, err = Open(t.Context(), cfg, dir, slog.New(slog.DiscardHandler)); err != nil && !errors.Is(err, data.ErrUnavailable) {
			t.Fatal(err)
		}
		return err == nil
	})
	t.Cleanup(b.Close)
	return b
}

func embedded(t *testing.T) *Bus { return open(t, DefaultConfig(), t.TempDir()) }

func position(device int64, second int) data.Position {
	at := time.Date(2026, 11, 22, 12, 0, second, 0, time.UTC)
	p := data.Position{DeviceID: device, Protocol: "test", ServerTime: at, DeviceTime: at, FixTime: at, Valid: true, Latitude: 52.5, Longitude: 13.4}
	p.Attributes.SetBool("ignition", true)
	return p
}

func publish(t *testing.T, b *Bus, positions ...data.Position) {
	t.Helper()
	ack, err := b.PublishPositions(data.Shard(positions[0].DeviceID), positions)
	if err != nil {
		t.Fatal(err)
	}
	if err := ack.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// receive takes n batches and confirms them.
func receive(t *testing.T, bs *Batches, n int) []Batch {
	t.Helper()
	var got []Batch
	for ctx := deadline(t); len(got) < n; {
		more, err := bs.Next(ctx, 1000)
		if err != nil {
			t.Fatalf("after %d batches: %v", len(got), err)
		}
		for _, b := range more {
			if err := b.Done(); err != nil {
				t.Fatal(err)
			}
		}
		got = append(got, more...)
	}
	return got
}

func TestPositionsComeInOrder(t *testing.T) {
	b := embedded(t)
	for i := range 50 {
		publish(t, b, position(7, i))
	}
	bs, err := b.ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer bs.Stop()
	for i, batch := range receive(t, bs, 50) {
		if got, want := batch.Positions[0].FixTime.Second(), i; got != want {
			t.Fatalf("batch %d holds second %d", i, got)
		}
	}
	waitBacklog(t, b, 0)
}

func waitBacklog(t *testing.T, b *Bus, want uint64) {
	t.Helper()
	ctx := deadline(t)
	for {
		n, err := b.Backlog(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n == want {
			return
		}
	}
}

func TestUnconfirmedBatchComesAgainAfterRestart(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(t.Context(), DefaultConfig(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	publish(t, first, position(7, 1))
	publish(t, first, position(7, 2))
	bs, err := first.ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := bs.Next(deadline(t), 1)
	if err != nil || len(got) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	if err := got[0].Done(); err != nil {
		t.Fatal(err)
	}
	waitBacklog(t, first, 1)
	bs.Stop()
	first.Close()

	second := open(t, DefaultConfig(), dir)
	start := time.Now()
	bs, err = second.ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer bs.Stop()
	got = receive(t, bs, 1)
	if len(got) != 1 || got[0].Positions[0].FixTime.Second() != 2 {
		t.Fatalf("got %v, want the one batch that was not confirmed", got)
	}
	if took := time.Since(start); took > ackWait*3/4 {
		t.Errorf("it came after %v: a restart must not wait for the old process", took)
	}
}

func TestOneProcessPerFolder(t *testing.T) {
	dir := t.TempDir()
	open(t, DefaultConfig(), dir)
	_, err := Open(t.Context(), DefaultConfig(), dir, slog.New(slog.DiscardHandler))
	if !errors.Is(err, data.ErrConflict) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("got %v, want a conflict that names the folder", err)
	}
}

func TestFullBacklogRefuses(t *testing.T) {
	b := open(t, Config{MaxBacklogMB: 16}, t.TempDir())
	big := position(7, 1)
	big.Attributes.SetString("blob", strings.Repeat("x", 512<<10))
	for range 64 {
		ack, err := b.PublishPositions(data.Shard(7), []data.Position{big})
		if err != nil {
			t.Fatal(err)
		}
		err = ack.Wait(t.Context())
		if err == nil {
			continue
		}
		if !errors.Is(err, data.ErrUnavailable) || !strings.Contains(err.Error(), "max-backlog-mb") {
			t.Fatalf("got %v, want an error that names the setting", err)
		}
		return
	}
	t.Fatal("64 batches of half a megabyte went into 16 MB")
}

func TestUnreadableBatchIsDropped(t *testing.T) {
	b := embedded(t)
	if _, err := b.js.Publish(t.Context(), data.PositionsSubject(3), []byte("\xff\xff nonsense")); err != nil {
		t.Fatal(err)
	}
	publish(t, b, position(7, 5))
	bs, err := b.ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer bs.Stop()
	if got := receive(t, bs, 1); got[0].Positions[0].FixTime.Second() != 5 {
		t.Fatalf("got %v", got)
	}
}

func TestEvents(t *testing.T) {
	b := embedded(t)
	live := make(chan []data.Position, 1)
	devices := make(chan data.DeviceChange, 1)
	users := make(chan data.UserChange, 1)
	for _, sub := range []func() (func(), error){
		func() (func(), error) { return b.SubscribeLive(func(p []data.Position) { live <- p }) },
		func() (func(), error) { return b.SubscribeDevices(func(c data.DeviceChange) { devices <- c }) },
		func() (func(), error) { return b.SubscribeUsers(func(c data.UserChange) { users <- c }) },
	} {
		unsubscribe, err := sub()
		if err != nil {
			t.Fatal(err)
		}
		defer unsubscribe()
	}
	if err := errors.Join(
		b.PublishLive(9, []data.Position{position(7, 1)}),
		b.PublishDevice(data.DeviceChange{ID: 3, UniqueID: "x"}),
		b.PublishUser(data.UserChange{ID: 4, SignedOut: true}),
	); err != nil {
		t.Fatal(err)
	}
	ctx := deadline(t)
	select {
	case p := <-live:
		if len(p) != 1 || p[0].DeviceID != 7 {
			t.Errorf("live: %v", p)
		}
	case <-ctx.Done():
		t.Fatal("no live position")
	}
	select {
	case c := <-devices:
		if c != (data.DeviceChange{ID: 3, UniqueID: "x"}) {
			t.Errorf("device change: %+v", c)
		}
	case <-ctx.Done():
		t.Fatal("no device change")
	}
	select {
	case c := <-users:
		if c != (data.UserChange{ID: 4, SignedOut: true}) {
			t.Errorf("user change: %+v", c)
		}
	case <-ctx.Done():
		t.Fatal("no user change")
	}
}

func TestBotName(t *testing.T) {
	b := embedded(t)
	if name := b.BotName(); name != "" {
		t.Errorf("a bot that does not run is called %q", name)
	}
	stop, err := b.AnswerBotName(func() string { return "waymark_bot" })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if name := b.BotName(); name != "waymark_bot" {
		t.Errorf("the bot is called %q", name)
	}
}

// external starts a NATS server of its own, as a cluster's would be.
func external(t *testing.T, jetStream bool) (url string) {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true,
		JetStream: jetStream, StoreDir: t.TempDir(), Username: "waymark", Password: "hunter2",
	})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS server not ready")
	}
	return fmt.Sprintf("nats://waymark:hunter2@%s", s.Addr())
}

func TestExternalBusIsShared(t *testing.T) {
	cfg := DefaultConfig()
	cfg.URL = external(t, true)
	sender, receiver := open(t, cfg, ""), open(t, cfg, "")
	publish(t, sender, position(7, 1))
	bs, err := receiver.ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer bs.Stop()
	if got := receive(t, bs, 1); got[0].Positions[0].DeviceID != 7 {
		t.Fatalf("got %v", got)
	}
	if err := receiver.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestExternalBusWithoutJetStream(t *testing.T) {
	cfg := DefaultConfig()
	cfg.URL = external(t, false)
	_, err := Open(t.Context(), cfg, "", slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "JetStream") || !strings.Contains(err.Error(), "-js") {
		t.Fatalf("got %v, want an error that says how to switch JetStream on", err)
	}
}

func TestUnreachableBusKeepsTheSecret(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // nobody listens there now
	cfg := DefaultConfig()
	cfg.URL = "nats://waymark:hunter2@" + l.Addr().String()
	_, err = Open(t.Context(), cfg, "", slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "bus.url") {
		t.Fatalf("got %v, want an error that names the setting", err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("the password is in the error: %v", err)
	}
}
