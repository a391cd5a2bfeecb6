package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schemaTable keeps the versions of the schema.
const schemaTable = "waymark_schema"

// migrateTimeout bounds a migration together with the wait for another
// process's.
const migrateTimeout = 10 * time.Minute

// migrate brings the schema up to date. Of several processes one does, the
// others wait and find it done.
func migrate(ctx context.Context, cfg *pgx.ConnConfig, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	cfg = cfg.Copy()
	cfg.RuntimeParams["statement_timeout"] = "0" // a migration takes what it takes
	db := stdlib.OpenDB(*cfg)
	defer db.Close()

	p, err := newProvider(db)
	if err != nil {
		return err
	}
	have, known, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema version: %w", err)
	}
	if have > known {
		return fmt.Errorf("the database was made by a newer Waymark (schema %d, this program knows %d): start the newer program, or go back to a backup of the database from before it", have, known)
	}
	done, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate from schema %d to %d: %w", have, known, err)
	}
	if len(done) > 0 {
		log.Info("database migrated", "kind", "postgres", "from", have, "to", known)
	}
	return nil
}

// newProvider knows the migrations; of several processes one runs them.
func newProvider(db *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	const tries = uint64(migrateTimeout / time.Second)
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, tries))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, dir, goose.WithSessionLocker(locker),
		goose.WithTableName(schemaTable), goose.WithAllowOutofOrder(true), goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
}

// migrateTo makes an empty database one of a schema, which need not be the last.
func migrateTo(ctx context.Context, cfg *pgx.ConnConfig, version int64) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	cfg = cfg.Copy()
	cfg.RuntimeParams["statement_timeout"] = "0"
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	p, err := newProvider(db)
	if err == nil {
		_, err = p.UpTo(ctx, version)
	}
	return err
}
