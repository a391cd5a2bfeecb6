package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/history"
)

// Dump describes a copy of a database: what Restore needs besides the rows.
type Dump struct {
	// Schema is the version of the schema.
	Schema int64 `json:"schema"`
	// Tables are in an order in which their foreign keys hold.
	Tables []Table `json:"tables"`
	// Generations and Months are those of the partitions.
	Generations []int64 `json:"generations"`
	Months      []int64 `json:"months"`
	// Sequences are the last values given, by sequence.
	Sequences map[string]int64 `json:"sequences"`
}

// Table is a table of a Dump.
type Table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
}

// SchemaVersion is the schema that this program makes.
func SchemaVersion() int64 {
	entries, _ := fs.ReadDir(migrations, "migrations") // embedded: it can be read
	var last int64
	for _, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "_")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			last = max(last, n)
		}
	}
	return last
}

// leadWait bounds the wait for a compaction that is under way, leadPause is
// between two attempts.
const (
	leadWait  = 10 * time.Minute
	leadPause = time.Second
)

// openAsIs connects without bringing the schema up to date.
func openAsIs(ctx context.Context, rawURL string, log *slog.Logger, change func(*pgxpool.Config)) (*Store, error) {
	cfg, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	change(cfg)
	s := &Store{turn: make(chan struct{}, 1)}
	s.Store = history.New(backend{s}, s, log)
	if s.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, err
	}
	if err := s.check(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// schemaVersion is the schema of the database, 0 if there is none.
func (s *Store) schemaVersion(ctx context.Context) (int64, error) {
	there, err := one(ctx, s, "look for a schema", scanBool, `SELECT to_regclass($1) IS NOT NULL`, schemaTable)
	if err != nil || !there {
		return 0, err
	}
	return one(ctx, s, "read the schema version", scanID, `SELECT coalesce(max(version_id), 0) FROM `+schemaTable+` WHERE is_applied`)
}

// noTimeouts lets statements take what they take: ctx ends them.
func noTimeouts(cfg *pgxpool.Config) {
	for _, name := range []string{"statement_timeout", "idle_in_transaction_session_timeout"} {
		cfg.ConnConfig.RuntimeParams[name] = "0"
	}
}

// OpenToCheck connects for Check: it changes nothing. A schema that is not this
// program's is data.ErrConflict.
func OpenToCheck(ctx context.Context, rawURL string, log *slog.Logger) (*Store, error) {
	s, err := openAsIs(ctx, rawURL, log, func(cfg *pgxpool.Config) {
		cfg.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	})
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	have, err := s.schemaVersion(ctx)
	if known := SchemaVersion(); err == nil && have != known {
		err = fmt.Errorf("the database has schema %d, this program knows %d: check it with the version of Waymark that runs on it, or start this version once: %w", have, known, data.ErrConflict)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Backup writes the rows of all tables, as they are at one moment, while others
// read and write: those of each table, as text of COPY (PostgreSQL manual, COPY,
// text format), to the writer that open returns.
//
// Nobody compacts meanwhile: dropping tables would have to wait for the reader.
func Backup(ctx context.Context, rawURL string, log *slog.Logger, open func(table string) io.WriteCloser) (*Dump, error) {
	s, err := openAsIs(ctx, rawURL, log, noTimeouts)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	defer s.Close()
	d := &Dump{}
	if d.Schema, err = s.schemaVersion(ctx); err != nil {
		return nil, err
	}
	if d.Schema == 0 {
		return nil, fmt.Errorf("there is nothing of Waymark in the database: %w", data.ErrNotFound)
	}
	if there, err := one(ctx, s, "look for history", scanBool, `SELECT to_regclass('history_lock') IS NOT NULL`); err != nil {
		return nil, err
	} else if there {
		release, err := s.waitToLead(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, s.fail("copy the database", err)
	}
	defer giveBack(conn)
	if err := s.fail("copy the database", d.read(ctx, conn.Conn(), open)); err != nil {
		return nil, err
	}
	return d, nil
}

// waitToLead is Lead that waits for its turn.
func (s *Store) waitToLead(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, leadWait)
	defer cancel()
	for {
		release, ok, err := backend{s}.Lead(ctx)
		if err != nil || ok {
			return release, err
		}
		select {
		case <-time.After(leadPause):
		case <-ctx.Done():
			return nil, s.fail("wait for the upkeep of history to end", ctx.Err())
		}
	}
}

// read reads all in one snapshot.
func (d *Dump) read(ctx context.Context, conn *pgx.Conn, open func(string) io.WriteCloser) error {
	if _, err := conn.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY`); err != nil {
		return err
	}
	if err := lockTables(ctx, conn); err != nil {
		return err
	}
	if err := d.describe(ctx, conn); err != nil {
		return err
	}
	for i := range d.Tables {
		t := &d.Tables[i]
		w := open(t.Name)
		tag, err := conn.PgConn().CopyTo(ctx, w, fmt.Sprintf(`COPY (SELECT %s FROM %s) TO STDOUT`, t.columns(), quoted(t.Name)))
		t.Rows = tag.RowsAffected()
		if err := errors.Join(err, w.Close()); err != nil {
			return fmt.Errorf("copy table %s: %w", t.Name, err)
		}
	}
	return nil
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

func (t *Table) columns() string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = quoted(c)
	}
	return strings.Join(names, ", ")
}

// ourTables are the tables of the schema but its version and the partitions.
const ourTables = `FROM pg_class AS c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
	AND NOT c.relispartition AND c.relname <> '` + schemaTable + `'`

// lockTables keeps tables from being dropped until they are read, should the
// connection that leads be lost meanwhile.
func lockTables(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `DO $$
		DECLARE name text;
		BEGIN
			FOR name IN SELECT c.relname `+ourTables+` LOOP
				EXECUTE format('LOCK TABLE %I IN ACCESS SHARE MODE', name);
			END LOOP;
		END $$`)
	return err
}

func (d *Dump) describe(ctx context.Context, conn *pgx.Conn) error {
	rows, _ := conn.Query(ctx, `SELECT c.relname::text, array(SELECT a.attname::text FROM pg_attribute AS a
		WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum), 0::bigint `+ourTables+` ORDER BY 1`)
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Table])
	if err != nil {
		return err
	}
	type reference struct{ From, To string }
	rows, _ = conn.Query(ctx, `SELECT f.relname::text, t.relname::text FROM pg_constraint AS k JOIN pg_class AS f ON f.oid = k.conrelid
		JOIN pg_class AS t ON t.oid = k.confrelid WHERE k.contype = 'f' AND f.relnamespace = current_schema()::regnamespace`)
	references, err := pgx.CollectRows(rows, pgx.RowToStructByPos[reference])
	if err != nil {
		return err
	}
	needs := make(map[string][]string)
	for _, r := range references {
		if r.From != r.To {
			needs[r.From] = append(needs[r.From], r.To)
		}
	}
	d.Tables = inOrder(tables, needs)
	if d.Generations, err = d.partitions(ctx, conn, "hot", `hot_(\d+)`); err != nil {
		return err
	}
	months, err := d.partitions(ctx, conn, "position_blocks", monthPrefix+`(\d{4}_\d{2})`)
	if err != nil {
		return err
	}
	for _, m := range months { // 202603
		at := time.Date(int(m/100), time.Month(m%100), 1, 0, 0, 0, 0, time.UTC)
		d.Months = append(d.Months, at.UnixMilli())
	}
	type sequence struct {
		Name string
		Last int64
	}
	rows, _ = conn.Query(ctx, `SELECT sequencename::text, last_value FROM pg_sequences WHERE schemaname = current_schema() AND last_value IS NOT NULL AND sequencename NOT LIKE $1`, schemaTable+`%`)
	sequences, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sequence])
	d.Sequences = make(map[string]int64)
	for _, s := range sequences {
		d.Sequences[s.Name] = s.Last
	}
	return err
}

// partitions are the numbers in the names of the partitions of a table.
func (d *Dump) partitions(ctx context.Context, conn *pgx.Conn, parent, pattern string) ([]int64, error) {
	if !slices.ContainsFunc(d.Tables, func(t Table) bool { return t.Name == parent }) {
		return nil, nil
	}
	rows, _ := conn.Query(ctx, `SELECT replace((regexp_match(c.relname, $2))[1], '_', '')::bigint FROM pg_inherits AS i
		JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = $1::text::regclass ORDER BY 1`, parent, `^`+pattern+`$`)
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// inOrder puts tables behind those that they refer to.
func inOrder(tables []Table, needs map[string][]string) []Table {
	var out []Table
	done := make(map[string]bool)
	for len(tables) > 0 {
		rest := slices.Clone(tables[:0:0])
		for _, t := range tables {
			if slices.ContainsFunc(needs[t.Name], func(n string) bool { return !done[n] }) {
				rest = append(rest, t)
				continue
			}
			done[t.Name] = true
			out = append(out, t)
		}
		if len(rest) == len(tables) { // a circle, which our schema has not
			return append(out, rest...)
		}
		tables = rest
	}
	return out
}
