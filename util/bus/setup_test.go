package bus

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/waymark-gps/waymark/data"
)

// natsServer starts one NATS server.
func natsServer(t *testing.T, change func(*server.Options)) Config {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir()}
	change(o)
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS server not ready")
	}
	cfg := DefaultConfig()
	cfg.URL = s.ClientURL()
	return cfg
}

func failsWith(t *testing.T, cfg Config, kind error, words ...string) {
	t.Helper()
	b, err := Open(t.Context(), cfg, "", slog.New(slog.DiscardHandler))
	if err == nil {
		t.Cleanup(b.Close)
		_, err = b.ConsumePositions(t.Context())
	}
	if !errors.Is(err, kind) {
		t.Fatalf("got %v", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not in: %v", w, err)
		}
	}
}

func TestTooLittleStorageIsNamed(t *testing.T) {
	cfg := natsServer(t, func(o *server.Options) { o.JetStreamMaxStore = 64 << 20 })
	failsWith(t, cfg, data.ErrUnavailable, "too little storage", "bus.max-backlog-mb")
}

func TestAccountWithoutJetStreamIsNamed(t *testing.T) {
	cfg := natsServer(t, func(o *server.Options) {
		with, without := server.NewAccount("WITH"), server.NewAccount("WITHOUT")
		o.Accounts = []*server.Account{with, without}
		o.Users = []*server.User{{Username: "waymark", Password: "hunter2", Account: without}}
	})
	cfg.URL = strings.Replace(cfg.URL, "nats://", "nats://waymark:hunter2@", 1)
	failsWith(t, cfg, data.ErrUnavailable, "JetStream")
}

// TestLimitedRightsAreEnough uses the rights that docs/operate.md names.
func TestLimitedRightsAreEnough(t *testing.T) {
	refused := make(chan string, 100)
	cfg := natsServer(t, func(o *server.Options) {
		o.Users = []*server.User{{Username: "waymark", Password: "hunter2", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{"waymark.>", "$JS.API.>", "$JS.ACK." + streamName + ".>", "$KV." + leaseBucket + ".>"}},
			Subscribe: &server.SubjectPermission{Allow: []string{"waymark.>", "_INBOX.>"}},
		}}}
	})
	cfg.URL = strings.Replace(cfg.URL, "nats://", "nats://waymark:hunter2@", 1)
	b := open(t, cfg, "")
	b.conn.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err.Error() })
	publish(t, b, position(7, 1))
	bs, err := b.ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer bs.Stop()
	receive(t, bs, 1)
	waitBacklog(t, b, 0)
	if err := b.Lead(deadline(t), "job", func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
	if len(refused) > 0 {
		t.Error(<-refused)
	}
}

func TestForeignStreamIsNamed(t *testing.T) {
	cfg := natsServer(t, func(*server.Options) {})
	conn, err := nats.Connect(cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: streamName, Subjects: []string{data.SubjectPositions + ".*"}}); err != nil {
		t.Fatal(err)
	}
	failsWith(t, cfg, data.ErrConflict, streamName, "retention", "nats stream rm")
}

func TestSettingsOfTheStreamFollowTheTracker(t *testing.T) {
	cfg := natsServer(t, func(*server.Options) {})
	open(t, cfg, "") // a service that does not process makes the stream
	cfg.MaxBacklogMB = 64
	b := open(t, cfg, "")
	if got := b.stream.CachedInfo().Config.MaxBytes; got != 4096<<20 {
		t.Fatalf("opening the bus changed the stream to %d bytes", got)
	}
	bs, err := b.ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer bs.Stop()
	info, err := b.stream.Info(t.Context())
	if err != nil || info.Config.MaxBytes != 64<<20 {
		t.Fatalf("%v, %v", info, err)
	}
}

// TestPassingTroubleIsNamed: what a cluster says while it is starting, or slow,
// is no reason to look for a mistake.
func TestPassingTroubleIsNamed(t *testing.T) {
	for _, trouble := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrDisconnected, nats.ErrConnectionClosed, nats.ErrNoResponders,
		&jetstream.APIError{ErrorCode: notAvailable}, &jetstream.APIError{ErrorCode: noPeers},
	} {
		if err := setupError(trouble); !errors.Is(err, data.ErrUnavailable) || !strings.Contains(err.Error(), "cluster") {
			t.Errorf("%v: %v", trouble, err)
		}
	}
}

// TestFirstStartNeedsTheWholeCluster: with fewer servers than copies the start
// is refused, rather than to keep fewer copies for ever.
func TestFirstStartNeedsTheWholeCluster(t *testing.T) {
	t.Parallel() // it waits most of the time
	c := newCluster(t)
	c.start(0)
	failsWith(t, c.config(), data.ErrUnavailable, "cluster")
	c.start(1)
	failsWith(t, c.config(), data.ErrUnavailable, "cluster")
	c.start(2)
	eventually(t, "three copies", func() bool {
		b, err := Open(t.Context(), c.config(), "", slog.New(slog.DiscardHandler))
		if err != nil {
			return false
		}
		defer b.Close()
		if n := b.stream.CachedInfo().Config.Replicas; n != copies {
			t.Fatalf("%d copies", n)
		}
		return true
	})
}
