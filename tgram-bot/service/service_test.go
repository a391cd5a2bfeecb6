package service

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/waymark-gps/waymark/tgram-bot/bot"
	"github.com/waymark-gps/waymark/tgram-bot/tgfake"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/program"
)

// runner is a bot in a process of its own, as far as the bus can tell.
type runner struct {
	*Service
	stop func()
}

func run(t *testing.T, url string, telegram *tgfake.Server) *runner {
	t.Helper()
	core := program.Core{DataDir: t.TempDir(), Bus: bus.DefaultConfig()}
	core.Bus.URL = url
	p, err := program.Open(t.Context(), core, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	cfg := bot.DefaultConfig()
	cfg.Token, cfg.APIURL = tgfake.Token, telegram.URL
	s, err := New(cfg, p)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	r := &runner{s, func() { cancel(); done.Wait() }}
	t.Cleanup(r.stop)
	return r
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestOneBotIsActive(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("NATS server not ready")
	}
	telegram := tgfake.New(t)
	one := run(t, s.ClientURL(), telegram)
	eventually(t, "the first bot to be active", func() bool { return one.leading.Load() && one.Health(t.Context()) == nil })
	two := run(t, s.ClientURL(), telegram)
	name := two.bus.BotName()
	if name == "" || two.leading.Load() {
		t.Fatalf("the bot is called %q, the second is active: %v", name, two.leading.Load())
	}
	if err := two.Health(t.Context()); err != nil {
		t.Errorf("a bot that waits is not ready: %v", err)
	}
	for range 20 { // only the active one answers, and it knows its name
		if got := two.bus.BotName(); got != name {
			t.Fatalf("the bot is called %q and %q", name, got)
		}
	}
	one.stop()
	eventually(t, "the second bot to be active", func() bool { return two.leading.Load() && two.Health(t.Context()) == nil })
	if got := two.bus.BotName(); got != name {
		t.Errorf("the bot is called %q", got)
	}
}
