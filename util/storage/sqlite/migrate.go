package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schemaTable keeps the versions of the schema.
const schemaTable = "waymark_schema"

// migrateTimeout bounds a migration together with the wait for another
// process's.
const migrateTimeout = 10 * time.Minute

// migrate brings the schema of waymark.db up to date. The caller holds the lock:
// of several processes one migrates, the others wait and find it done.
func migrate(ctx context.Context, db *sql.DB, path string, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	var tables, ours int
	err := db.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE name = ?) FROM sqlite_schema`, schemaTable).Scan(&tables, &ours)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if tables > 0 && ours == 0 {
		return notOurs(path)
	}
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir,
		goose.WithTableName(schemaTable), goose.WithAllowOutofOrder(true), goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	have, known, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema version of %s: %w", path, err)
	}
	if have > known {
		return newer(path, have, known)
	}
	done, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate %s from schema %d to %d: %w", path, have, known, err)
	}
	if len(done) == 0 {
		return nil
	}
	log.Info("database migrated", "kind", "sqlite", "path", path, "from", have, "to", known)
	return nil
}

func newer(path string, have, known int64) error {
	return fmt.Errorf("%s was made by a newer Waymark (schema %d, this program knows %d): start the newer program, or go back to a backup of the database from before it", path, have, known)
}
