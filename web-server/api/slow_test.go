package api

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/postgres"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

const (
	// slowReaders is many times the number of database connections.
	slowReaders   = 40
	slowPositions = 20_000
	// slowMemory is what an answer may hold while nobody reads it; whole, it is
	// more than 10 MiB.
	slowMemory = 2 << 20
)

// TestTricklingReaders has many clients that ask for something long and read a few
// bytes a second. They hold no database connection: others are served all the
// time by a store with few. They hold little memory. And in the end they are cut
// off.
func TestTricklingReaders(t *testing.T) {
	store, err := postgres.Open(t.Context(), pgtest.Open(t)+"&pool_max_conns=2", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	e := newEnvWith(t, func(storage.Store) storage.Store { return store })
	e.store, e.server.chunkTimeout = store, 5*time.Second
	root := e.user("root", true)
	d := e.device("Van", root)
	longHistory(t, e, d.ID)
	_, secret, err := e.server.auth.NewToken(t.Context(), data.Token{UserID: root.ID, Name: "slow", Scope: data.ScopeFull})
	if err != nil {
		t.Fatal(err)
	}
	c := e.client().signIn(root)
	before := heap()
	var readers []*slowReader
	paths := []string{"/api/positions", "/api/reports/route", "/api/positions/jsonl", "/api/positions/csv", "/api/reports/route/csv"}
	for i := range slowReaders {
		r := &slowReader{path: paths[i%len(paths)], coding: []string{"identity", "gzip", "br", "zstd"}[i%4]}
		r.open(t, e, secret, fmt.Sprintf("?deviceId=%d&from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z", d.ID))
		readers = append(readers, r)
	}
	// All of them are in the middle of an answer, and read on, a byte at a time.
	for _, r := range readers {
		r.sip(t)
	}
	for range 20 {
		for _, path := range []string{"/api/devices", "/api/users", "/api/groups", "/api/statistics?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"} {
			c.want(200, "GET", path, nil)
		}
		for _, r := range readers {
			r.sip(t)
		}
	}
	held := heap() - before
	t.Logf("%d slow readers hold %d KiB each", slowReaders, held>>10/slowReaders)
	if held > slowReaders*slowMemory {
		t.Error("that is too much")
	}
	e.eventually("the slow ones are cut off", func() bool { return e.longAnswers() == slowReaders })
	for _, r := range readers {
		r.end(t)
	}
	c.want(200, "GET", "/api/devices", nil)
}

// longAnswers counts the answers with positions and reports that have ended.
func (e *env) longAnswers() (n int) {
	for line := range strings.SplitSeq(e.logged(), "\n") {
		if strings.Contains(line, "msg=request ") && (strings.Contains(line, "/api/positions") || strings.Contains(line, "/api/reports")) {
			n++
		}
	}
	return n
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// longHistory stores positions that cannot be compressed well.
func longHistory(t *testing.T, e *env, deviceID int64) {
	t.Helper()
	random := rand.NewChaCha8([32]byte{})
	noise := make([]byte, 150)
	for n := 0; n < slowPositions; {
		list := make([]data.Position, 0, 1000)
		prints := make([]uint64, 0, 1000)
		for ; len(list) < cap(list); n++ {
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Minute)
			p := data.Position{DeviceID: deviceID, Protocol: "osmand", ServerTime: at, DeviceTime: at, FixTime: at, Valid: true, Latitude: 52 + float64(n)/1e5, Longitude: 4}
			_, _ = random.Read(noise)
			p.Attributes.SetString("result", hex.EncodeToString(noise))
			list, prints = append(list, p), append(prints, p.Fingerprint())
		}
		if err := e.store.InsertPositions(t.Context(), list, prints, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// slowReader reads an answer through as little buffering as there can be.
type slowReader struct {
	path, coding string
	conn         net.Conn
	in           *bufio.Reader
}

func (r *slowReader) open(t *testing.T, e *env, token, query string) {
	t.Helper()
	dialer := net.Dialer{Timeout: patience, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10) })
	}}
	var err error
	if r.conn, err = dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(e.url, "http://")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.conn.Close() })
	_ = r.conn.SetDeadline(time.Now().Add(4 * patience))
	fmt.Fprintf(r.conn, "GET %s%s HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer %s\r\nAccept-Encoding: %s\r\n\r\n", r.path, query, token, r.coding)
	r.in = bufio.NewReaderSize(r.conn, 16)
}

// sip reads a byte.
func (r *slowReader) sip(t *testing.T) {
	t.Helper()
	if _, err := r.in.ReadByte(); err != nil {
		t.Errorf("%s in %s: %v", r.path, r.coding, err)
	}
}

// end reads what is left and checks that the answer did not come whole.
func (r *slowReader) end(t *testing.T) {
	t.Helper()
	_ = r.conn.(*net.TCPConn).SetReadBuffer(4 << 20)
	tail := make([]byte, 0, 1<<10)
	part := make([]byte, 64<<10)
	for {
		n, err := r.conn.Read(part)
		if tail = append(tail, part[:n]...); len(tail) > 16 {
			tail = tail[len(tail)-16:]
		}
		if err == nil {
			continue
		}
		if err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s in %s: %v", r.path, r.coding, err)
		}
		if strings.HasSuffix(string(tail), "0\r\n\r\n") {
			t.Errorf("%s in %s came whole", r.path, r.coding)
		}
		return
	}
}

// A request may work as long as it sends something now and then.
func TestBreakSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{deps: Deps{Log: slog.New(slog.DiscardHandler)}, chunkTimeout: chunkTimeout}
		h := breakSilence(time.Minute)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			out := s.stream(w, r)
			for range 10 { // nine minutes in all
				time.Sleep(59 * time.Second)
				if _, err := out.Write([]byte("part")); err != nil || r.Context().Err() != nil {
					t.Fatal(err, r.Context().Err())
				}
			}
			time.Sleep(61 * time.Second)
			if err := context.Cause(r.Context()); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after a minute of silence: %v", err)
			}
			quiet := s.stream(w, r)
			if err := quiet.finish(r.Context().Err()); !errors.Is(err, context.Canceled) {
				t.Errorf("an answer that has not begun: %v", err)
			}
		}))
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	})
}
