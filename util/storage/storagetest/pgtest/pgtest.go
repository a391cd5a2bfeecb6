// Package pgtest gives tests a real PostgreSQL: a server named by
// WAYMARK_TEST_POSTGRES, or one of its own, started with the initdb and
// postgres it finds, on a Unix socket in a temporary folder.
package pgtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// serverVariable is the URL of a database, in UTF8, whose user may create
	// schemas in it.
	serverVariable = "WAYMARK_TEST_POSTGRES"
	// requireVariable set to 1 makes a test without a server fail.
	requireVariable = "WAYMARK_REQUIRE_POSTGRES"
)

// timeout bounds each step: making, starting, asking the server.
const timeout = 60 * time.Second

// server is the URL of the server of this test process.
var server = sync.OnceValues(func() (string, error) {
	if u := os.Getenv(serverVariable); u != "" {
		return u, nil
	}
	s, err := start()
	if err != nil {
		return "", err
	}
	return s.URL, nil
})

// Open makes an empty schema for the test and returns the URL of a database
// that shows nothing else; the schema is dropped when the test ends. The server
// is shared by all tests of the process and ends with it. Without a server the
// test is skipped, or fails if WAYMARK_REQUIRE_POSTGRES=1.
func Open(t testing.TB) string {
	t.Helper()
	admin, err := server()
	if err != nil {
		notTested(t, err)
	}
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatalf("%s is not a URL", serverVariable)
	}
	name := "waymark_test_" + strings.ToLower(rand.Text())
	run(t, admin, `CREATE SCHEMA `+name)
	t.Cleanup(func() { run(t, admin, `DROP SCHEMA `+name+` CASCADE`) })
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func notTested(t testing.TB, err error) {
	t.Helper()
	if os.Getenv(requireVariable) == "1" {
		t.Fatalf("PostgreSQL not tested: %v", err)
	}
	t.Skipf("PostgreSQL not tested: %v", err)
}

func run(t testing.TB, url, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := execute(ctx, url, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func execute(ctx context.Context, url, statement string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}
