// Package program is what the mains share: the parts every service needs,
// opened in order, and the commands every program has.
package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/health"
	"github.com/waymark-gps/waymark/util/logging"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/statistics"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/history"
	"github.com/waymark-gps/waymark/util/storage/open"
)

// Core is the settings every program has.
type Core struct {
	DataDir string
	Bus     bus.Config
	Storage StorageConfig
	Log     logging.Config
	Ops     OpsConfig
}

// StorageConfig says where things are kept.
type StorageConfig struct {
	URL string `koanf:"url" desc:"database, postgres://user:password@host/name or sqlite:///file; empty is SQLite in data-dir" secret:"true"`
	// KeepFullDays and KeepThinnedDays may be replaced by attributes of a device.
	KeepFullDays    int `koanf:"keep-full-days" desc:"days that every position is kept; 0 is for ever"`
	KeepThinnedDays int `koanf:"keep-thinned-days" desc:"days after those that one position a minute is kept; 0 is for ever, -1 is not at all"`
}

// Validate checks the values.
func (c StorageConfig) Validate() error {
	if c.KeepFullDays < 0 || c.KeepThinnedDays < -1 {
		return fmt.Errorf("keep-full-days is %d and keep-thinned-days %d, want at least 0 and -1: %w", c.KeepFullDays, c.KeepThinnedDays, data.ErrInvalid)
	}
	return nil
}

// DefaultCore runs without anything else.
func DefaultCore() Core {
	return Core{DataDir: DefaultDataDir(), Bus: bus.DefaultConfig(), Log: logging.DefaultConfig()}
}

// DefaultDataDir is the user's folder for data of programs (XDG Base Directory
// Specification), or a folder in the present one where there is no home.
func DefaultDataDir() string {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "waymark")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "waymark")
	}
	return "waymark-data"
}

// RequireShared refuses to run one service of several on a bus of its own,
// where the others cannot hear it.
func (c Core) RequireShared() error {
	if c.Bus.URL == "" {
		return fmt.Errorf("bus.url is not set: a service that runs alone needs the NATS server that joins it with the others (to run everything in one process use waymark serve): %w", data.ErrInvalid)
	}
	return nil
}

// Parts are what services work with. They outlive the services.
type Parts struct {
	Log     *slog.Logger
	Metrics *metric.Set
	Health  *health.Health
	Store   storage.Store
	Bus     *bus.Bus
	Now     func() time.Time
	// Fleet knows what holds for devices.
	Fleet *fleet.Fleet
	// Statistics are what this process does; Count stores them.
	Statistics *statistics.Counters

	unwatch func()
}

// Count stores the statistics of the process until ctx ends.
func (p *Parts) Count(ctx context.Context) error { return p.Statistics.Run(ctx, p.Store, p.Log) }

// openTimeout bounds the opening of the parts: a database may be starting.
const openTimeout = 60 * time.Second

// storeRetry is the pause between two tries to open a database.
const storeRetry = 2 * time.Second

// checkTimeout bounds one readiness check.
const checkTimeout = 3 * time.Second

// Open opens the store and the bus, or neither.
func Open(ctx context.Context, c Core, log *slog.Logger) (*Parts, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	p := &Parts{Log: log, Metrics: metric.NewSet(), Now: time.Now, Statistics: statistics.New(time.Now)}
	p.Health = health.New(log, p.Metrics)
	if c.Bus.URL == "" || c.Storage.URL == "" {
		if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
			return nil, fmt.Errorf("create data-dir: %w; choose a folder you may write to with --data-dir", err)
		}
	}
	var err error
	// The bus comes first: it is what keeps a second process out of the folder.
	if p.Bus, err = bus.Open(ctx, c.Bus, filepath.Join(c.DataDir, "bus"), log); err != nil {
		return nil, err
	}
	if p.Store, err = openStore(ctx, c, log, observeHistory(p.Metrics)); err != nil {
		p.Bus.Close()
		return nil, fmt.Errorf("open the store (storage.url): %w", err)
	}
	p.Fleet = fleet.New(p.Store, log, p.Now)
	if p.unwatch, err = p.Fleet.Watch(p.Bus); err != nil {
		p.Close()
		return nil, err
	}
	p.Health.Add("store", checkTimeout, p.Store.Ping)
	p.Health.Add("bus", checkTimeout, p.Bus.Ready)
	return p, nil
}

// openStore waits for a database that is still starting.
func openStore(ctx context.Context, c Core, log *slog.Logger, observe func(history.Compaction)) (storage.Store, error) {
	keep := history.WithRetention(history.Retention{FullDays: c.Storage.KeepFullDays, ThinDays: c.Storage.KeepThinnedDays})
	for {
		store, err := open.Store(ctx, c.Storage.URL, c.DataDir, log, keep, history.WithObserver(observe))
		if c.Storage.URL == "" || !errors.Is(err, data.ErrUnavailable) {
			return store, err
		}
		log.Warn("the database does not answer yet", "err", err)
		select {
		case <-time.After(storeRetry):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// Close closes what Open opened.
func (p *Parts) Close() {
	if p.unwatch != nil {
		p.unwatch()
	}
	if err := p.Store.Close(); err != nil {
		p.Log.Error("close the store", "err", err)
	}
	p.Bus.Close()
}
