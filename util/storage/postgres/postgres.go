// Package postgres keeps Waymark's data in PostgreSQL 14 or newer, for servers
// that are several processes. Its catch: it wants connections of its own for
// the length of a session. A pooler that hands out connections per transaction
// works only with default_query_exec_mode=exec in the URL, and must let through
// statement_timeout, lock_timeout and idle_in_transaction_session_timeout.
//
// Transactions are read committed. Who changes several devices locks their rows
// of device_heads in the order of their ids, so that none waits for each other.
//
// The history of positions (package history) is bytes to the database: what one
// asks of it in SQL are its devices, times and numbers. The tables are
//
//	device_heads             what every report changes: last update, newest position
//	hot_1, hot_2, ...        new positions, by generation: partitions of hot
//	position_blocks_2026_03  the rest, by month: partitions of position_blocks
//	blocks_aside             blocks that could not be read
//
// Partitions come and go by themselves, so the user of the database must be
// allowed to make tables and own those that are there. A database is restored
// as a whole: its parts belong together.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/history"
)

const (
	// opTimeout bounds every statement and transaction, with the wait for a
	// connection, whatever the caller's context says.
	opTimeout = 30 * time.Second
	// connectTimeout bounds an attempt to connect.
	connectTimeout = 5 * time.Second
	// maxConns bounds the connections, unless the URL says pool_max_conns. There
	// are minConns at least: one that leads and one that locks work on a third.
	maxConns, minConns = 10, 4
	// minVersion is the oldest server, as server_version_num.
	minVersion = 140000
)

// Store is a storage.Store in PostgreSQL.
type Store struct {
	*history.Store

	pool   *pgxpool.Pool
	closed atomic.Bool

	months sync.Map      // that are known to have a partition
	turn   chan struct{} // of the one that holds or waits for Lock
	token  atomic.Int64  // of Lock; 0: not held
}

var _ storage.Store = (*Store)(nil)

// Open connects to the database that rawURL names
// (postgres://user:password@host:5432/database?sslmode=...) and brings its
// schema up to date. Errors and logs hold no password.
func Open(ctx context.Context, rawURL string, log *slog.Logger, options ...history.Option) (*Store, error) {
	s, err := open(ctx, rawURL, log, options)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return s, nil
}

func open(ctx context.Context, rawURL string, log *slog.Logger, options []history.Option) (*Store, error) {
	cfg, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	s := &Store{turn: make(chan struct{}, 1)}
	s.Store = history.New(backend{s}, s, log, options...)
	if s.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, err
	}
	if err := s.check(ctx); err != nil {
		s.Close()
		return nil, err
	}
	if err := migrate(ctx, cfg.ConnConfig, log); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.convert(ctx, log); err != nil {
		s.Close()
		return nil, err
	}
	log.Info("database open", "kind", "postgres", "host", cfg.ConnConfig.Host, "database", cfg.ConnConfig.Database)
	return s, nil
}

// parse reads a URL. A URL that cannot be read may hold its password anywhere,
// so nothing of it is repeated; a reason given by the driver loses the password.
func parse(rawURL string) (*pgxpool.Config, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("the database URL cannot be read: write postgres://user:password@host:5432/database, and special characters in the password as %%XX (@ is %%40, / is %%2F): %w", data.ErrInvalid)
	}
	cfg, err := pgxpool.ParseConfig(rawURL)
	if err != nil {
		return nil, fmt.Errorf("the database URL cannot be used: %s: %w", withoutSecrets(err, u), data.ErrInvalid)
	}
	c := cfg.ConnConfig
	if c.ConnectTimeout == 0 || !u.Query().Has("connect_timeout") {
		c.ConnectTimeout = connectTimeout
	}
	if !u.Query().Has("pool_max_conns") {
		cfg.MaxConns = maxConns
	}
	cfg.MaxConns = max(cfg.MaxConns, minConns)
	cfg.PingTimeout = connectTimeout
	for name, value := range map[string]string{
		"application_name":                    "waymark",
		"statement_timeout":                   millis(opTimeout),
		"lock_timeout":                        millis(opTimeout / 2),
		"idle_in_transaction_session_timeout": millis(opTimeout),
	} {
		if c.RuntimeParams[name] == "" {
			c.RuntimeParams[name] = value
		}
	}
	return cfg, nil
}

func millis(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// withoutSecrets is the innermost reason of err, without the passwords of u.
func withoutSecrets(err error, u *url.URL) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	text := err.Error()
	if len(text) > 200 || strings.Contains(text, "://") {
		return "the driver does not understand it"
	}
	secrets := append(u.Query()["password"], u.Query()["sslpassword"]...)
	if password, ok := u.User.Password(); ok {
		_, raw, _ := strings.Cut(u.User.String(), ":")
		secrets = append(secrets, password, raw)
	}
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// check asks the server whether it will do.
func (s *Store) check(ctx context.Context) error {
	type server struct {
		Number            int
		Version, Encoding string
	}
	v, err := one(ctx, s, "ask for the server's version", pgx.RowToStructByPos[server],
		`SELECT current_setting('server_version_num')::int, current_setting('server_version'), current_setting('server_encoding')`)
	switch {
	case err != nil:
		return err
	case v.Number < minVersion:
		return fmt.Errorf("the server is PostgreSQL %s: use 14 or newer", v.Version)
	case v.Encoding != "UTF8":
		return fmt.Errorf("the database has encoding %s: make one with ENCODING 'UTF8' TEMPLATE template0", v.Encoding)
	}
	return nil
}

// Ping implements storage.Store.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	return s.fail("ping the database", s.pool.Ping(ctx))
}

// Close implements storage.Store. It waits for the calls under way.
func (s *Store) Close() error {
	s.closed.Store(true)
	s.pool.Close()
	return nil
}
