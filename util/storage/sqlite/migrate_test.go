package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/util/storage/sqlite"
	"github.com/waymark-gps/waymark/util/storage/storagetest"
)

// raw opens the database in dir without the store.
func raw(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.FileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t *testing.T, db *sql.DB, script string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), script); err != nil {
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
	newDir := t.TempDir()
	openIn(t, newDir)
	want := schema(t, raw(t, newDir))
	for _, dump := range dumps {
		t.Run(filepath.Base(dump), func(t *testing.T) {
			script, err := os.ReadFile(dump)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			db := raw(t, dir)
			execute(t, db, string(script))
			s := openIn(t, dir)
			if have := schema(t, db); !slices.Equal(have, want) {
				t.Errorf("schema after the migration:\n%s\nof a new database:\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
			}
			storagetest.Released(t, s)
			if filepath.Base(dump) >= "schema_v0002.sql" {
				storagetest.ReleasedCommands(t, s)
			}
		})
	}
}

// schema describes tables, columns, keys and indexes, a line each, whatever
// statements they came from.
func schema(t *testing.T, db *sql.DB) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `
		SELECT concat_ws(' ', 'column', t.name, t.strict, t.wr, c.name, c.type, c."notnull", c.dflt_value, c.pk)
			FROM pragma_table_list AS t, pragma_table_xinfo(t.name) AS c WHERE t.schema = 'main'
		UNION ALL SELECT concat_ws(' ', 'index', t.name, i.name, i."unique", i.origin, i.partial, c.seqno, c.name, c.desc, c.coll)
			FROM pragma_table_list AS t, pragma_index_list(t.name) AS i, pragma_index_info(i.name) AS p, pragma_index_xinfo(i.name) AS c
			WHERE t.schema = 'main' AND p.seqno = c.seqno
		UNION ALL SELECT concat_ws(' ', 'key', t.name, f."table", f."from", f."to", f.on_update, f.on_delete)
			FROM pragma_table_list AS t, pragma_foreign_key_list(t.name) AS f WHERE t.schema = 'main'
		ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		all = append(all, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestNewerSchemaIsRefused(t *testing.T) {
	dir := t.TempDir()
	openIn(t, dir).Close()
	execute(t, raw(t, dir), `INSERT INTO waymark_schema (version_id, is_applied) VALUES (9999, 1)`)
	_, err := sqlite.Open(t.Context(), dir, noLog)
	if err == nil || !strings.Contains(err.Error(), "newer Waymark (schema 9999") {
		t.Errorf("error is %v", err)
	}
}

// startVariable makes the test binary a process that opens the database in the
// folder it names, and does nothing else.
const startVariable = "WAYMARK_TEST_OPEN_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(startVariable)
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := sqlite.Open(context.Background(), dir, noLog)
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func TestProcessesStartTogether(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const n = 5
	var processes [n]*exec.Cmd
	var output [n]strings.Builder
	for i := range processes {
		c := exec.CommandContext(ctx, self)
		c.Env = []string{startVariable + "=" + dir}
		c.Stdout, c.Stderr = &output[i], &output[i]
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		processes[i] = c
	}
	for i, c := range processes {
		if err := c.Wait(); err != nil {
			t.Errorf("process %d: %v\n%s", i, err, output[i].String())
		}
	}
	openIn(t, dir)
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var rows, versions int
	err = raw(t, dir).QueryRowContext(t.Context(), `SELECT count(*), count(DISTINCT version_id) FROM waymark_schema`).Scan(&rows, &versions)
	if want := 1 + len(files); err != nil || rows != want || versions != want { // and version 0
		t.Errorf("%d rows of %d versions, want %d, error is %v", rows, versions, want, err)
	}
}

func TestStoresShareAFile(t *testing.T) {
	dir := t.TempDir()
	a, b := openIn(t, dir), openIn(t, dir)
	errs := make(chan error, 2)
	const each = 50
	for n, s := range []*sqlite.Store{a, b} {
		go func() {
			for i := range each {
				if err := s.SetTelegramOffset(t.Context(), int64(n*each+i), 1); err != nil {
					errs <- fmt.Errorf("store %d: %w", n, err)
					return
				}
			}
			errs <- nil
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if v, err := a.TelegramOffset(t.Context(), 2*each-1); err != nil || v != 1 {
		t.Errorf("one store reads %d from the other, error is %v", v, err)
	}
}
