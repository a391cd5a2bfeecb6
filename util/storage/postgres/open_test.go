package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/postgres"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// TestNoSecretsInErrors opens URLs that cannot work, each with a password.
func TestNoSecretsInErrors(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	listener.Close() // nobody answers there now
	for _, u := range []string{
		"postgres://ada:Tr0ub4dor@" + closed + "/db",
		"postgres://" + closed + "/db?user=ada&password=Tr0ub4dor",
		"postgres://ada:Tr0ub4dor@localhost:notaport/db",
		"postgres://ada:Tr0ub4dor/x@localhost/db",
		"postgres://ada:Tr0ub4dor?x@localhost/db",
		"postgres://ada:Tr0ub4dor#x@localhost/db",
		"postgres://ada:%zzTr0ub4dor@localhost/db",
		"postgres://ada:Tr0ub4dor@localhost/db?sslmode=nonsense",
		"postgres://ada:Tr0ub4dor@localhost/db?sslmode=verify-full&sslrootcert=/Tr0ub4dor",
		"postgres://ada:Tr0ub4dor@localhost/db?pool_max_conns=many",
		"postgres://ada:Tr0ub4dor@localhost/db?connect_timeout=Tr0ub4dor",
		"postgres://ada:Tr0ub4dor@[::1/db",
	} {
		var log bytes.Buffer
		s, err := postgres.Open(t.Context(), u, slog.New(slog.NewTextHandler(&log, nil)))
		if err == nil {
			s.Close()
			t.Errorf("%s: no error", u)
			continue
		}
		if strings.Contains(err.Error()+log.String(), "Tr0ub4dor") {
			t.Errorf("%s: the password is in the error or log: %v %s", u, err, log.String())
		}
		if !errors.Is(err, data.ErrInvalid) && !errors.Is(err, data.ErrUnavailable) {
			t.Errorf("%s: error is of no kind: %v", u, err)
		}
	}
}

func TestServerIsNotThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // accepts, and never says a word
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = postgres.Open(ctx, "postgres://ada@"+listener.Addr().String()+"/db?sslmode=disable", noLog)
	if !errors.Is(err, data.ErrUnavailable) {
		t.Errorf("error is %v", err)
	}
}

// TestConnectionsAreLost has the server end every connection, as when it
// restarts: the store comes back by itself.
func TestConnectionsAreLost(t *testing.T) {
	u := pgtest.Open(t)
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	q := parsed.Query()
	q.Set("application_name", "lost")
	parsed.RawQuery = q.Encode()
	s := openURL(t, parsed.String())
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	execute(t, raw(t, u), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lost'`)
	deadline := time.Now().Add(time.Minute)
	for {
		err := s.SetTelegramOffset(t.Context(), 1, 2)
		if err == nil {
			return
		}
		if !errors.Is(err, data.ErrUnavailable) {
			t.Errorf("error is %v", err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("does not come back: %v", err)
		}
	}
}

// TestLockIsNotWaitedForWithoutEnd has somebody else lock a device.
func TestLockIsNotWaitedForWithoutEnd(t *testing.T) {
	u := pgtest.Open(t)
	s := openURL(t, u)
	d := data.Device{UniqueID: "a"}
	if err := s.CreateDevice(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	other := raw(t, u)
	execute(t, other, `BEGIN; SELECT FROM device_heads FOR UPDATE`)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := s.TouchDevices(ctx, map[int64]time.Time{d.ID: time.Now()})
	if !errors.Is(err, data.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
	if _, err := s.Device(t.Context(), d.ID); err != nil {
		t.Errorf("reading meanwhile: %v", err)
	}
	execute(t, other, `ROLLBACK`)
	if err := s.TouchDevices(t.Context(), map[int64]time.Time{d.ID: time.Now()}); err != nil {
		t.Errorf("writing afterwards: %v", err)
	}
}
