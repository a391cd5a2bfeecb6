package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/config"
	"github.com/waymark-gps/waymark/util/program"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/open"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// storeSettings are what the tools around the store read of the settings of
// serve: the same flags, environment and file.
type storeSettings struct {
	DataDir string                `koanf:"data-dir" desc:"folder of everything Waymark keeps"`
	Storage program.StorageConfig `koanf:"storage"`
}

// storeCommand gives a command those settings.
func storeCommand(c *cobra.Command, run func(c *cobra.Command, s *storeSettings, args []string) error) *cobra.Command {
	s := &storeSettings{DataDir: program.DefaultDataDir()}
	config.Flags(c.Flags(), s)
	c.Flags().SortFlags = false
	c.RunE = func(c *cobra.Command, args []string) error {
		others := []string{"web", "tracker", "bot", "admin", "mail", "notify", "bus", "log", "ops"}
		if _, err := config.Load(s, config.Source{Environ: os.Environ(), Flags: c.Flags(), Others: others}); err != nil {
			return err
		}
		return run(c, s, args)
	}
	return c
}

// path is the SQLite file; empty for PostgreSQL.
func (s *storeSettings) path() string {
	if s.Storage.URL == "" {
		return filepath.Join(s.DataDir, sqlite.FileName)
	}
	if path, ok := strings.CutPrefix(s.Storage.URL, "sqlite://"); ok {
		return path
	}
	return ""
}

// target names the store without secrets.
func (s *storeSettings) target() string {
	if path := s.path(); path != "" {
		return path
	}
	u, err := url.Parse(s.Storage.URL)
	if err != nil {
		return "PostgreSQL"
	}
	return "postgres://" + u.Host + u.Path
}

// alone makes sure that no server uses the SQLite files, until unlock. With
// PostgreSQL others may work meanwhile.
func (s *storeSettings) alone(doing string) (unlock func(), err error) {
	if s.path() == "" {
		return func() {}, nil
	}
	unlock, err = bus.Lock(filepath.Join(s.DataDir, "bus"))
	if errors.Is(err, data.ErrConflict) {
		return nil, fmt.Errorf("a server uses the folder %s: stop it, %s, and start it again (devices keep what they cannot send meanwhile): %w", s.DataDir, doing, err)
	}
	return unlock, err
}

// open opens a store that is there already.
func (s *storeSettings) open(ctx context.Context, log *slog.Logger) (storage.Store, error) {
	if path := s.path(); path != "" {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("there is no database: %w; name its folder with --data-dir, or start waymark serve once to make it", err)
		}
	}
	return open.Store(ctx, s.Storage.URL, s.DataDir, log)
}

// toolLog shows warnings only.
func toolLog(to io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
