package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
)

// Restore fills an empty database with what Backup wrote: it makes the schema
// that the Dump names, and adds all rows in one transaction. next returns the
// tables in their order, then io.EOF. A database that is not empty is
// data.ErrConflict.
func Restore(ctx context.Context, rawURL string, log *slog.Logger, d *Dump, next func() (table string, rows io.Reader, err error)) error {
	if known := SchemaVersion(); d.Schema > known {
		return fmt.Errorf("the backup was made by a newer Waymark (schema %d, this program knows %d): restore it with that version: %w", d.Schema, known, data.ErrConflict)
	}
	s, err := openAsIs(ctx, rawURL, log, noTimeouts)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer s.Close()
	if err := s.mustBeEmpty(ctx, d.Schema); err != nil {
		return err
	}
	cfg, err := parse(rawURL)
	if err != nil {
		return err
	}
	if err := migrateTo(ctx, cfg.ConnConfig, d.Schema); err != nil {
		return fmt.Errorf("make the schema: %w", err)
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return s.fail("restore the database", err)
	}
	defer giveBack(conn)
	return s.fail("restore the database", pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return d.write(ctx, tx, next) }))
}

// mustBeEmpty refuses a database that holds something, or another schema.
func (s *Store) mustBeEmpty(ctx context.Context, schema int64) error {
	have, err := s.schemaVersion(ctx)
	if err != nil {
		return err
	}
	tables, err := list(ctx, s, "look for tables", scanText, `SELECT c.relname::text `+ourTables)
	if err != nil {
		return err
	}
	const instead = "make a new one (createdb) and name it in storage.url; the old one stays as it is"
	if have == 0 && len(tables) > 0 {
		return fmt.Errorf("the database holds tables that are not Waymark's: %s: %w", instead, data.ErrConflict)
	}
	if have != 0 && have != schema {
		return fmt.Errorf("the database has schema %d already, the backup %d: %s: %w", have, schema, instead, data.ErrConflict)
	}
	for _, table := range []string{"devices", "users"} {
		if have == 0 {
			break
		}
		if n, err := one(ctx, s, "look for "+table, scanID, `SELECT count(*) FROM `+table); err != nil {
			return err
		} else if n > 0 {
			return fmt.Errorf("the database is not empty, it holds %d %s: %s: %w", n, table, instead, data.ErrConflict)
		}
	}
	return nil
}

// write adds all rows, in place of what a migration put there.
func (d *Dump) write(ctx context.Context, tx pgx.Tx, next func() (string, io.Reader, error)) error {
	names := make(map[string]*Table)
	for i := range d.Tables {
		t := &d.Tables[i]
		names[t.Name] = t
		if _, err := tx.Exec(ctx, `TRUNCATE `+quoted(t.Name)+` CASCADE`); err != nil {
			return err
		}
	}
	if err := d.partition(ctx, tx); err != nil {
		return err
	}
	for {
		name, rows, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		t := names[name]
		if t == nil {
			return fmt.Errorf("the backup has rows of a table %q that it does not describe: %w", name, data.ErrInvalid)
		}
		delete(names, name)
		tag, err := tx.Conn().PgConn().CopyFrom(ctx, rows, fmt.Sprintf(`COPY %s (%s) FROM STDIN`, quoted(name), t.columns()))
		if err != nil {
			return fmt.Errorf("fill table %s: %w", name, err)
		}
		if n := tag.RowsAffected(); n != t.Rows {
			return fmt.Errorf("table %s has %d rows in the backup, not %d: %w", name, n, t.Rows, data.ErrInvalid)
		}
	}
	for name, t := range names {
		if t.Rows > 0 {
			return fmt.Errorf("the backup has no rows of table %s: %w", name, data.ErrInvalid)
		}
	}
	for name, last := range d.Sequences {
		if _, err := tx.Exec(ctx, `SELECT setval($1::text::regclass, $2)`, quoted(name), last); err != nil {
			return fmt.Errorf("set sequence %s: %w", name, err)
		}
	}
	return nil
}

// partition makes the partitions that rows will be in, and drops others.
func (d *Dump) partition(ctx context.Context, tx pgx.Tx) error {
	if d.Generations == nil && d.Months == nil {
		return nil
	}
	rows, _ := tx.Query(ctx, `SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent IN ('hot'::regclass, 'position_blocks'::regclass)`)
	there, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range there {
		if _, err := tx.Exec(ctx, `DROP TABLE `+name); err != nil {
			return err
		}
	}
	for _, g := range d.Generations {
		if _, err := tx.Exec(ctx, fmt.Sprintf(`CREATE TABLE %s PARTITION OF hot FOR VALUES IN (%d) WITH (%s)`, hotTable(g), g, hotOptions)); err != nil {
			return err
		}
	}
	for _, at := range d.Months {
		m := monthOf(at)
		if _, err := tx.Exec(ctx, fmt.Sprintf(`CREATE TABLE %s PARTITION OF position_blocks FOR VALUES %s WITH (%s)`, m.table(), m.bounds(), monthOptions)); err != nil {
			return err
		}
	}
	return nil
}

// Options of partitions, as those have that Seal and prepare make.
const (
	hotOptions   = "autovacuum_vacuum_insert_threshold = -1"
	monthOptions = "autovacuum_vacuum_scale_factor = 0.1"
)
