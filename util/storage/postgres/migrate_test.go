package postgres_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/util/storage/postgres"
	"github.com/waymark-gps/waymark/util/storage/storagetest"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// raw connects without the store.
func raw(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	return conn
}

func execute(t *testing.T, conn *pgx.Conn, script string) {
	t.Helper()
	if _, err := conn.PgConn().Exec(t.Context(), script).ReadAll(); err != nil {
		t.Fatal(err)
	}
}

// TestReleasedSchemas opens the databases of older releases: their rows are
// kept, and their schema becomes that of a new database.
func TestReleasedSchemas(t *testing.T) {
	dumps, err := filepath.Glob("testdata/schema_v*.sql")
	if err != nil || len(dumps) == 0 {
		t.Fatalf("no dumps: %v", err)
	}
	newURL := pgtest.Open(t)
	openURL(t, newURL)
	want := schema(t, raw(t, newURL))
	for _, dump := range dumps {
		t.Run(filepath.Base(dump), func(t *testing.T) {
			script, err := os.ReadFile(dump)
			if err != nil {
				t.Fatal(err)
			}
			url := pgtest.Open(t)
			conn := raw(t, url)
			execute(t, conn, string(script))
			s := openURL(t, url)
			if have := schema(t, conn); !slices.Equal(have, want) {
				t.Errorf("schema after the migration:\n%s\nof a new database:\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
			}
			storagetest.Released(t, s)
			if filepath.Base(dump) >= "schema_v0002.sql" {
				storagetest.ReleasedCommands(t, s)
			}
		})
	}
}

// schema describes tables, columns, constraints and indexes, a line each,
// whatever statements they came from.
func schema(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
		SELECT replace(line, current_schema() || '.', '') FROM (
			SELECT concat_ws(' ', 'column', c.table_name, c.column_name, c.data_type, c.is_nullable, c.column_default, c.collation_name, c.is_identity, r.reloptions) AS line
				FROM information_schema.columns AS c JOIN pg_class AS r ON r.oid = c.table_name::regclass WHERE c.table_schema = current_schema()
			UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
				FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
			UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = current_schema()
		) AS lines ORDER BY line COLLATE "C"`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestNewerSchemaIsRefused(t *testing.T) {
	url := pgtest.Open(t)
	openURL(t, url).Close()
	execute(t, raw(t, url), `INSERT INTO waymark_schema (version_id, is_applied) VALUES (9999, true)`)
	_, err := postgres.Open(t.Context(), url, noLog)
	if err == nil || !strings.Contains(err.Error(), "newer Waymark (schema 9999") {
		t.Errorf("error is %v", err)
	}
}

func TestServicesStartTogether(t *testing.T) {
	url := pgtest.Open(t)
	var done sync.WaitGroup
	for range 5 {
		done.Go(func() {
			s, err := postgres.Open(t.Context(), url, noLog)
			if err != nil {
				t.Error(err)
				return
			}
			s.Close()
		})
	}
	done.Wait()
	var versions string
	err := raw(t, url).QueryRow(t.Context(), `SELECT string_agg(version_id::text, ',' ORDER BY id) FROM waymark_schema`).Scan(&versions)
	if err != nil || versions != everyVersion(t) {
		t.Errorf("versions are %s, error is %v", versions, err)
	}
}

// everyVersion lists the versions of a database that is up to date: 0, and the
// numbers of the migrations.
func everyVersion(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	list := []string{"0"}
	for _, name := range files {
		number, _, _ := strings.Cut(filepath.Base(name), "_")
		list = append(list, strings.TrimLeft(number, "0"))
	}
	return strings.Join(list, ",")
}
