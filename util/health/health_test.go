package health

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waymark-gps/waymark/util/metric"
)

func newHealth() *Health {
	return New(slog.New(slog.DiscardHandler), metric.NewSet())
}

func get(h http.Handler, path string) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		h := New(slog.New(slog.NewTextHandler(&log, nil)), metric.NewSet())
		var storeErr error
		h.Add("store", time.Second, func(context.Context) error { return storeErr })
		h.Add("bus", time.Second, func(context.Context) error { return nil })
		handler := h.Probes()
		want := func(code int, body string) {
			t.Helper()
			if c, b := get(handler, "/readyz"); c != code || strings.TrimSpace(b) != body {
				t.Errorf("have %d %s, want %d %s", c, b, code, body)
			}
		}
		want(503, `{"ready":false,"failing":["accepting"]}`)
		h.SetReady(true)
		want(200, `{"ready":true}`)
		storeErr = errors.New("connect to db: password is wrong")
		want(200, `{"ready":true}`) // the answer stands for a second
		time.Sleep(cacheFor)
		want(503, `{"ready":false,"failing":["store"]}`)
		time.Sleep(cacheFor)
		h.SetReady(false)
		want(503, `{"ready":false,"failing":["accepting","store"]}`)
		if c, b := get(handler, "/healthz"); c != 200 || b != "ok\n" {
			t.Errorf("alive all the same: have %d %s", c, b)
		}
		storeErr = nil
		h.SetReady(true)
		time.Sleep(cacheFor)
		want(200, `{"ready":true}`)
		lines := log.String()
		if strings.Count(lines, "health check fails") != 1 || strings.Count(lines, "passes again") != 1 || !strings.Contains(lines, "password is wrong") {
			t.Errorf("log: %s", lines)
		}
	})
}

// However many ask, the checks run once a second, side by side.
func TestManyProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHealth()
		h.SetReady(true)
		var runs atomic.Int32
		for _, name := range []string{"a", "b"} {
			h.Add(name, time.Minute, func(context.Context) error {
				runs.Add(1)
				time.Sleep(10 * time.Second)
				return nil
			})
		}
		start := time.Now()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if failing, err := h.Failing(t.Context()); err != nil || len(failing) > 0 {
					t.Errorf("%v, %v", failing, err)
				}
			})
		}
		wg.Wait()
		if n := runs.Load(); n != 2 {
			t.Errorf("%d runs, want 2", n)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// A check that hangs fails in time, and is not started over and over.
func TestHangingCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHealth()
		h.SetReady(true)
		release := make(chan struct{})
		var runs atomic.Int32
		h.Add("deaf", 2*time.Second, func(context.Context) error {
			runs.Add(1)
			<-release
			return nil
		})
		h.Add("slow", 3*time.Second, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		for range 3 {
			start := time.Now()
			if failing, _ := h.Failing(t.Context()); !slices.Equal(failing, []string{"deaf", "slow"}) {
				t.Errorf("failing %v", failing)
			}
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
			time.Sleep(cacheFor)
		}
		if n := runs.Load(); n != 1 {
			t.Errorf("%d runs, want 1", n)
		}
		close(release)
		synctest.Wait()
		if failing, _ := h.Failing(t.Context()); !slices.Equal(failing, []string{"slow"}) {
			t.Errorf("failing %v", failing)
		}
	})
}

// Who no longer waits takes no answer away from others.
func TestProbeGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHealth()
		h.SetReady(true)
		h.Add("slow", time.Minute, func(ctx context.Context) error {
			time.Sleep(10 * time.Second)
			return ctx.Err()
		})
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() { h.Failing(short) })
		synctest.Wait()
		wg.Go(func() {
			if failing, err := h.Failing(t.Context()); err != nil || len(failing) > 0 {
				t.Errorf("%v, %v", failing, err)
			}
		})
		wg.Go(func() {
			if _, err := h.Failing(short); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
		})
		wg.Wait()
	})
}

func TestLameDuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHealth()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.LameDuck(5 * time.Second)(ctx) }()
		synctest.Wait()
		if failing, _ := h.Failing(t.Context()); len(failing) > 0 {
			t.Errorf("failing %v", failing)
		}
		cancel()
		start := time.Now()
		synctest.Wait()
		if failing, _ := h.Failing(t.Context()); !slices.Equal(failing, []string{Accepting}) {
			t.Errorf("failing %v", failing)
		}
		if err := <-done; err != nil || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestMetrics(t *testing.T) {
	set := metric.NewSet()
	set.NewCounter("waymark_frames_total").Add(3)
	h := New(slog.New(slog.DiscardHandler), set).Operations()
	if code, body := get(h, "/metrics"); code != 200 || !strings.Contains(body, "waymark_frames_total 3") {
		t.Errorf("have %d %s", code, body)
	}
	if code, _ := get(h, "/"); code != 404 {
		t.Errorf("have %d", code)
	}
}

// A real server, asked as the healthcheck subcommand does.
func TestServeAndCheck(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := newHealth()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, h.Probes()) }()
	url := "http://" + l.Addr().String()
	if err := Check(t.Context(), url+"/healthz"); err != nil {
		t.Error(err)
	}
	if err := Check(t.Context(), url+"/readyz"); err == nil || !strings.Contains(err.Error(), `503 Service Unavailable: {"ready":false,"failing":["accepting"]}`) {
		t.Errorf("error %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := Check(t.Context(), url+"/healthz"); err == nil {
		t.Error("nobody is there to answer")
	}
	if err := Check(t.Context(), "::"); err == nil {
		t.Error("not a URL")
	}
}

func TestServeFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := Serve(t.Context(), l, http.NotFoundHandler()); err == nil {
		t.Error("a closed listener serves nobody")
	}
}

func TestCheckDoesNotFollow(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/ok", http.StatusFound)
			return
		}
		io.WriteString(w, "ok")
	}))
	defer s.Close()
	if err := Check(t.Context(), s.URL); err == nil {
		t.Error("a redirect is not an answer")
	}
}
