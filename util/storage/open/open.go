// Package open opens the store that a URL names.
package open

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/history"
	"github.com/waymark-gps/waymark/util/storage/postgres"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// Store opens a store and brings its schema up to date. url is one of
//
//	""                         SQLite, waymark.db in dataDir
//	sqlite:///path/to/file.db  SQLite, that file
//	postgres://...             PostgreSQL, also postgresql://
//
// The options say how history is kept. Anything else is data.ErrInvalid. Errors and logs never hold the url itself:
// it may hold a password.
func Store(ctx context.Context, url, dataDir string, log *slog.Logger, options ...history.Option) (storage.Store, error) {
	scheme, rest, _ := strings.Cut(url, "://")
	switch {
	case url == "" && dataDir == "":
		return nil, fmt.Errorf("no data folder and no database URL: set one of them: %w", data.ErrInvalid)
	case url == "":
		return opened(sqlite.Open(ctx, filepath.Join(dataDir, sqlite.FileName), log, options...))
	case scheme == "sqlite" && len(rest) > 1 && rest[0] == '/' && !strings.Contains(rest, "?"):
		return opened(sqlite.Open(ctx, rest, log, options...))
	case (scheme == "postgres" || scheme == "postgresql") && rest != "":
		return opened(postgres.Open(ctx, url, log, options...))
	}
	return nil, fmt.Errorf("the database URL is not understood: use sqlite:///path/to/file.db, postgres://user:password@host:5432/database, or none for a file in the data folder: %w", data.ErrInvalid)
}

// opened keeps a nil pointer from becoming a store that is not nil.
func opened[S storage.Store](s S, err error) (storage.Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}
