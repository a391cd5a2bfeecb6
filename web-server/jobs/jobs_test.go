package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

const patience = time.Minute

type env struct {
	t *testing.T
	*Manager
	dir string
	log bytes.Buffer

	mu  sync.Mutex
	now time.Time
}

func (e *env) clock() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now
}

// start makes a Manager of a folder and runs it; stop ends it.
func start(t *testing.T, dir string, space int64) (e *env, stop func()) {
	t.Helper()
	e = &env{t: t, dir: dir, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	var err error
	if e.Manager, err = New(dir, space, e.clock, slog.New(slog.NewTextHandler(&e.log, nil))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return e, stop
}

func (e *env) submit(user int64, input io.Reader, do Func) Job {
	e.t.Helper()
	j, err := e.Submit(user, "test", input, do)
	if err != nil {
		e.t.Fatal(err)
	}
	return j
}

// ended waits for the end of a job.
func (e *env) ended(id int64) Job {
	e.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		j, err := e.Job(id)
		if err != nil {
			e.t.Fatal(err)
		}
		if j.State.ended() {
			return j
		}
		if time.Now().After(deadline) {
			e.t.Fatalf("job %+v does not end", j)
		}
	}
}

func (e *env) files(id int64) (names []string) {
	list, err := os.ReadDir(filepath.Join(e.dir, fmt.Sprint(id)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		e.t.Fatal(err)
	}
	for _, f := range list {
		names = append(names, f.Name())
	}
	return names
}

func TestJob(t *testing.T) {
	e, stop := start(t, t.TempDir(), 1<<20)
	j := e.submit(7, strings.NewReader("what was sent"), func(_ context.Context, w *Work) error {
		b, err := os.ReadFile(w.Input())
		if err != nil {
			return err
		}
		f, err := w.Create()
		if err != nil {
			return err
		}
		w.Progress(0.5, 3)
		w.Note("a note")
		w.Name("made.txt", "text/plain")
		_, err = f.Write(bytes.ToUpper(b))
		return errors.Join(err, f.Close())
	})
	if j.State != Waiting || j.UserID != 7 || !j.Created.Equal(e.now) {
		t.Errorf("new: %+v", j)
	}
	j = e.ended(j.ID)
	if j.State != Done || j.Progress != 1 || j.Count != 3 || j.Size != 13 || j.FileName != "made.txt" || len(j.Notes) != 1 {
		t.Errorf("done: %+v", j)
	}
	f, err := e.Result(j.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); string(b) != "WHAT WAS SENT" || err != nil {
		t.Errorf("result %q, %v", b, err)
	}
	if names := e.files(j.ID); strings.Join(names, " ") != "job.json result" {
		t.Errorf("kept: %v", names)
	}
	stop()
	again, _ := start(t, e.dir, 1<<20)
	if got, err := again.Job(j.ID); err != nil || fmt.Sprint(got) != fmt.Sprint(j) {
		t.Errorf("after a restart: %+v, %v; want %+v", got, err, j)
	}
	if err := again.Remove(j.ID); err != nil || again.files(j.ID) != nil || len(again.List(0)) != 0 {
		t.Errorf("removed: %v, %v left", err, again.files(j.ID))
	}
	if err := again.Remove(j.ID); !errors.Is(err, data.ErrNotFound) {
		t.Errorf("removed again: %v", err)
	}
}

// What runs when the program ends has failed, and says what to do.
func TestRestart(t *testing.T) {
	e, stop := start(t, t.TempDir(), 1<<20)
	began := make(chan struct{})
	hang := func(ctx context.Context, w *Work) error {
		f, err := w.Create()
		if err != nil {
			return err
		}
		defer f.Close()
		close(began)
		<-ctx.Done()
		return ctx.Err()
	}
	ran := e.submit(7, nil, hang)
	<-began
	stop()
	// As after a crash: the file says that it runs, and half a result is there.
	folder := filepath.Join(e.dir, fmt.Sprint(ran.ID))
	crashed := ran
	crashed.State = Running
	if err := errors.Join(writeJob(folder, &crashed), os.WriteFile(filepath.Join(folder, resultFile), []byte("half"), 0o600),
		os.MkdirAll(filepath.Join(e.dir, "5"), 0o700), os.WriteFile(filepath.Join(e.dir, "5", stateFile), []byte("{"), 0o600)); err != nil {
		t.Fatal(err)
	}
	again, _ := start(t, e.dir, 1<<20)
	j, err := again.Job(ran.ID)
	if err != nil || j.State != Failed || !strings.Contains(j.Error, "start it again") {
		t.Errorf("%+v, %v", j, err)
	}
	if names := again.files(ran.ID); strings.Join(names, " ") != "job.json" {
		t.Errorf("kept: %v", names)
	}
	if again.files(5) != nil || len(again.List(0)) != 1 {
		t.Error("a job that cannot be read is kept")
	}
}

func TestCancel(t *testing.T) {
	e, _ := start(t, t.TempDir(), 1<<20)
	began := make(chan struct{}, running)
	hang := func(ctx context.Context, _ *Work) error { began <- struct{}{}; <-ctx.Done(); return ctx.Err() }
	var all []Job
	for range maxOpen {
		all = append(all, e.submit(7, nil, hang))
	}
	for range running {
		<-began
	}
	if _, err := e.Submit(7, "test", nil, hang); !errors.Is(err, data.ErrConflict) {
		t.Errorf("one more than may be open: %v", err)
	}
	other := e.submit(8, nil, hang)
	if got := e.List(7); len(got) != maxOpen || got[0].ID != all[maxOpen-1].ID {
		t.Errorf("list: %+v", got)
	}
	for i := len(all) - 1; i >= 0; i-- { // those that wait first
		if err := e.Remove(all[i].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Job(all[i].ID); !errors.Is(err, data.ErrNotFound) {
			t.Errorf("a removed job: %v", err)
		}
	}
	<-began // the other's turn
	if got := e.List(0); len(got) != 1 || got[0].ID != other.ID {
		t.Errorf("left: %+v", got)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		list, err := os.ReadDir(e.dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("folders left: %v", list)
		}
	}
}

func TestFailures(t *testing.T) {
	e, _ := start(t, t.TempDir(), 1<<20)
	for text, do := range map[string]Func{
		"line 3 is wrong": func(context.Context, *Work) error { return fmt.Errorf("%w: line 3 is wrong", data.ErrInvalid) },
		"internal error":  func(context.Context, *Work) error { return errors.New("secret detail") },
		"internal":        func(context.Context, *Work) error { panic("secret detail") },
		"track.gpx is wrong: invalid": func(_ context.Context, w *Work) error {
			return fmt.Errorf("%s is wrong: %w", filepath.Join(filepath.Dir(w.Input()), "track.gpx"), data.ErrInvalid)
		},
		"web.jobs-mib": func(_ context.Context, w *Work) error {
			f, err := w.Create()
			if err != nil {
				return err
			}
			defer f.Close()
			for range 4 * measureEvery / (1 << 20) {
				if _, err = f.Write(make([]byte, 1<<20)); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		j := e.ended(e.submit(7, nil, do).ID)
		if j.State != Failed || !strings.Contains(j.Error, text) || strings.Contains(j.Error, "secret") || strings.Contains(j.Error, e.dir) {
			t.Errorf("%q: %+v", text, j)
		}
		if names := e.files(j.ID); strings.Join(names, " ") != "job.json" {
			t.Errorf("%q: kept %v", text, names)
		}
	}
	if _, err := e.Submit(7, "test", io.MultiReader(strings.NewReader("x"), brokenReader{}), nil); !errors.Is(err, errBroken) || len(e.List(0)) != 5 {
		t.Errorf("an upload that breaks: %v", err)
	}
}

var errBroken = errors.New("broken")

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

// Old jobs make room for new ones, and go after a while.
func TestJobsGo(t *testing.T) {
	e, _ := start(t, t.TempDir(), 1<<20)
	nothing := func(context.Context, *Work) error { return nil }
	first := e.ended(e.submit(7, nil, nothing).ID)
	for range maxKept {
		e.ended(e.submit(7, nil, nothing).ID)
	}
	if _, err := e.Job(first.ID); !errors.Is(err, data.ErrNotFound) || len(e.List(7)) != maxKept {
		t.Errorf("the first of %d: %v", len(e.List(7)), err)
	}
	e.mu.Lock()
	e.now = e.now.Add(keep + time.Second)
	e.mu.Unlock()
	e.tidy()
	if got := e.List(0); len(got) != 0 {
		t.Errorf("kept: %+v", got)
	}
}
