// Package bus is how the services talk: NATS, embedded in the process or a
// cluster of its own. Positions go through a JetStream stream that is on disk
// before a publish returns; everything else is plain publish and subscribe.
//
// The package moves messages of package data. It decides nothing about them.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/waymark-gps/waymark/data"
)

// Config says which bus to use.
type Config struct {
	URL string `koanf:"url" desc:"NATS servers, for example nats://host:4222 (several joined by commas); empty runs one inside this process" secret:"true"`
	// CredentialsFile is a NATS .creds file.
	CredentialsFile string `koanf:"credentials-file" desc:"NATS credentials file for an external bus"`
	// MaxBacklogMB bounds what waits on disk to be processed.
	MaxBacklogMB int `koanf:"max-backlog-mb" desc:"disk space for positions that wait to be stored; beyond it devices are asked to send again later"`
}

// DefaultConfig runs an embedded server.
func DefaultConfig() Config { return Config{MaxBacklogMB: 4096} }

// Validate checks the values.
func (c Config) Validate() error {
	if c.MaxBacklogMB < 16 {
		return fmt.Errorf("max-backlog-mb is %d, it must be at least 16: %w", c.MaxBacklogMB, data.ErrInvalid)
	}
	return nil
}

const (
	// connectTimeout bounds the first connection and the set-up of the stream.
	connectTimeout = 10 * time.Second
	// publishTimeout bounds a publish that is not acknowledged: it may have been
	// lost with a server of the cluster. Inside this process nothing is lost on its
	// way, only the disk may hang. hangTimeout waits longer for it, because devices
	// that are hung up on send everything again, to the same disk. maxPending
	// bounds how many wait.
	publishTimeout = 10 * time.Second
	hangTimeout    = 25 * time.Second
	maxPending     = 4096
	// pingEvery finds a server that is gone without a word, at the second ping
	// that stays without an answer.
	pingEvery = 3 * time.Second
)

// Bus is a connection to the bus. Its methods may be called by several
// goroutines at once.
type Bus struct {
	log    *slog.Logger
	conn   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	max    int64           // bytes of the stream
	server *embeddedServer // nil with an external bus
	unlock func()
}

// Open connects to the bus of cfg.URL, or starts one in this process that keeps
// its files in dir.
func Open(ctx context.Context, cfg Config, dir string, log *slog.Logger) (*Bus, error) {
	b := &Bus{log: log, max: int64(cfg.MaxBacklogMB) << 20, unlock: func() {}}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := b.open(ctx, cfg, dir); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Bus) open(ctx context.Context, cfg Config, dir string) (err error) {
	if cfg.URL == "" {
		if b.unlock, err = lockDir(dir); err != nil {
			return err
		}
		if b.server, err = startEmbedded(ctx, dir, b.max, b.log); err != nil {
			return err
		}
	}
	if err := b.connect(cfg); err != nil {
		return err
	}
	patience := publishTimeout
	if b.Embedded() {
		patience = hangTimeout
	}
	b.js, err = jetstream.New(b.conn, jetstream.WithPublishAsyncMaxPending(maxPending), jetstream.WithPublishAsyncTimeout(patience))
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	return b.openStream(ctx)
}

func (b *Bus) connect(cfg Config) (err error) {
	opts := []nats.Option{
		nats.Name("waymark"),
		nats.Timeout(connectTimeout / 2),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(500 * time.Millisecond),
		nats.PingInterval(pingEvery),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.log.Warn("bus disconnected", "err", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { b.log.Info("bus connected again") }),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			subject := ""
			if s != nil {
				subject = s.Subject
			}
			b.log.Warn("bus error", "subject", subject, "err", err)
		}),
	}
	url := cfg.URL
	if b.server != nil {
		url = ""
		opts = append(opts, nats.InProcessServer(b.server))
	}
	if cfg.CredentialsFile != "" {
		opts = append(opts, nats.UserCredentials(cfg.CredentialsFile))
	}
	if b.conn, err = nats.Connect(url, opts...); err != nil {
		return fmt.Errorf("connect to the bus (bus.url): %w; is the NATS server or cluster running and reachable? %w", redact(err, cfg.URL), data.ErrUnavailable)
	}
	return nil
}

// redact keeps the user and password of a URL out of an error text.
func redact(err error, urls string) error {
	text := err.Error()
	for u := range strings.SplitSeq(urls, ",") {
		_, rest, _ := strings.Cut(u, "://")
		if user, _, ok := strings.Cut(rest, "@"); ok {
			text = strings.ReplaceAll(text, user, "********")
		}
	}
	return errors.New(text)
}

// Embedded tells whether the bus lives in this process.
func (b *Bus) Embedded() bool { return b.server != nil }

// Shards is how many of the data.Shards are told apart. Inside one process there
// is one consumer, and a single subject makes one synced write of what would be
// up to sixty-four.
func (b *Bus) Shards() int {
	if b.Embedded() {
		return 1
	}
	return data.Shards
}

// Ready tells whether the bus answers, for readiness checks.
func (b *Bus) Ready(ctx context.Context) error {
	if b.server != nil {
		if err := b.server.trouble(); err != nil {
			return err
		}
	}
	if !b.conn.IsConnected() {
		return fmt.Errorf("bus not connected: %w", data.ErrUnavailable)
	}
	if _, err := b.stream.Info(ctx); err != nil {
		return fmt.Errorf("ask for the stream %s: %w", streamName, err)
	}
	return nil
}

// Backlog tells how many batches wait to be stored.
func (b *Bus) Backlog(ctx context.Context) (messages uint64, err error) {
	info, err := b.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask for the stream %s: %w", streamName, err)
	}
	return info.State.Msgs, nil
}

// Close ends the connection and, if embedded, the server. What was published
// stays on disk.
func (b *Bus) Close() {
	if b.conn != nil {
		b.conn.Close()
	}
	if b.server != nil {
		b.server.close()
	}
	b.unlock()
}
