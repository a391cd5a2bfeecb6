package traccar

import (
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// mysqlVariable is the URL of a server whose user may create databases; a zone
// of the server's that is not UTC makes the test a better one.
const mysqlVariable = "WAYMARK_TEST_MYSQL"

// newMySQL makes the other server's database in MySQL.
func newMySQL(t *testing.T) *Source {
	t.Helper()
	server := os.Getenv(mysqlVariable)
	if server == "" {
		t.Skipf("MySQL not tested: %s names no server (mysql://user:password@host:3306/)", mysqlVariable)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	admin, err := openMySQL(u, u.User.Username(), password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	u.Path = "/waymark_test_" + strings.ToLower(rand.Text())
	tables := strings.NewReplacer(" timestamp", " datetime(3)", " float", " double", "disabled boolean DEFAULT false", "disabled bit(1) DEFAULT b'0'").Replace(schema)
	conn, err := admin.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, query := range append([]string{"CREATE DATABASE " + u.Path[1:], "USE " + u.Path[1:]}, strings.Split(strings.TrimSpace(tables), ";\n")...) {
		if _, err := conn.ExecContext(t.Context(), strings.TrimSuffix(query, ";")); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	t.Cleanup(func() { admin.Exec("DROP DATABASE " + u.Path[1:]) })
	s, err := OpenSource(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestImportFromMySQL(t *testing.T) {
	from, to := newMySQL(t), newStore(t)
	for _, want := range []string{
		"groups 3/0/0 devices 2/0/0 users 2/0/0 geofences 1/0/1 links 6 positions 2/0",
		"groups 0/3/0 devices 0/2/0 users 0/2/0 geofences 0/1/1 links 6 positions 0/2",
	} {
		if got := objects(run(t, from, to, Options{})); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	look(t, to)
	if r := run(t, from, newStore(t), Options{Devices: []string{"car"}, Since: time.Date(2025, 3, 30, 3, 30, 0, 0, time.UTC)}); r.Positions.Stored != 1 {
		t.Errorf("since: %s", objects(r))
	}
}
