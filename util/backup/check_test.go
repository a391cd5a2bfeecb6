package backup

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestCheckFindsDamage harms a store in several ways.
func TestCheckFindsDamage(t *testing.T) {
	sqliteExec := func(file, query string) func(t *testing.T, p Place) {
		return func(t *testing.T, p Place) {
			db, err := sql.Open("sqlite", "file:"+filepath.Join(filepath.Dir(p.Path), file))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(query); err != nil {
				t.Fatal(err)
			}
		}
	}
	postgresExec := func(query string) func(t *testing.T, p Place) {
		return func(t *testing.T, p Place) {
			conn, err := pgx.Connect(t.Context(), p.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.WithoutCancel(t.Context()))
			if _, err := conn.Exec(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
	}
	const link = `INSERT INTO links (owner, owner_id, property, property_id) VALUES ('user', 77, 'device', 1)`
	for _, test := range []struct {
		kind, name string
		harm       func(*testing.T, Place)
		want       string
	}{
		{"sqlite", "block", sqliteExec("history/2026-01.db", `UPDATE blocks SET data = zeroblob(length(data)) WHERE id = (SELECT min(id) FROM blocks)`), "device 1, month 2026-01, hour 2026-01-20 00:00"},
		{"sqlite", "count", sqliteExec("history/2026-01.db", `UPDATE blocks SET points = points + 1`), "its row says"},
		{"sqlite", "link", sqliteExec("waymark.db", link), "user 77"},
		{"sqlite", "group", sqliteExec("waymark.db", `UPDATE devices SET group_id = 9`), "group 9"},
		{"sqlite", "file", func(t *testing.T, p Place) {
			path := filepath.Join(filepath.Dir(p.Path), "history", "2026-01.db")
			b, err := os.ReadFile(path)
			if err == nil {
				clear(b[len(b)/2:])
				err = os.WriteFile(path, b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "2026-01.db is damaged"},
		{"postgres", "block", postgresExec(`UPDATE position_blocks SET data = set_byte(data, 10, get_byte(data, 10) # 255)`), "device 1, month 2026-01, hour 2026-01-20 00:00"},
		{"postgres", "count", postgresExec(`UPDATE position_blocks SET points = points + 1`), "its row says"},
		{"postgres", "link", postgresExec(link), "user 77"},
		{"postgres", "stranger", postgresExec(`DELETE FROM device_heads`), "it does not exist"},
	} {
		t.Run(test.kind+" "+test.name, func(t *testing.T) {
			_, file := small(t, places[test.kind])
			at := places[test.kind](t)
			if _, err := Restore(t.Context(), file, at, options()); err != nil {
				t.Fatal(err)
			}
			if problems := check(t, at); len(problems) > 0 {
				t.Fatalf("before: %q", problems)
			}
			test.harm(t, at)
			problems := check(t, at)
			if !slices.ContainsFunc(problems, func(s string) bool { return strings.Contains(s, test.want) }) {
				t.Errorf("problems %q, want %q", problems, test.want)
			}
			if again := check(t, at); !reflect.DeepEqual(again, problems) {
				t.Errorf("the check has changed something: %q, then %q", problems, again)
			}
		})
	}
}
