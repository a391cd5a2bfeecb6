package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tgram-bot/tgfake"
	"github.com/waymark-gps/waymark/util/linkcode"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

var (
	anna = tgfake.Person{ID: 1001, FirstName: "Anna", LastName: "A", Username: "anna", Language: "en"}
	bert = tgfake.Person{ID: 1002, FirstName: "Bert", Language: "de-AT"}
)

// world is a running bot, a real store and a fake Telegram, in a bubble: no
// test waits for real time.
type world struct {
	*testing.T
	tg    *tgfake.Server
	store *flakyStore
	cfg   Config
	logs  *logBuffer
	bot   *Bot
	stop  func() // ends the bot and waits for it
}

// inWorld runs a test with a connected bot.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	inStoppedWorld(t, func(w *world) {
		w.start()
		w.tg.Await("the bot to poll", func() bool { return len(w.tg.Calls("getUpdates")) > 0 })
		test(w)
	})
}

// inStoppedWorld runs a test that starts the bot itself.
func inStoppedWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, tg: tgfake.NewPipe(t), logs: &logBuffer{}, cfg: DefaultConfig(), stop: func() {}}
		w.cfg.APIURL, w.cfg.Token = w.tg.URL, tgfake.Token
		w.store = &flakyStore{Store: openStore(t)}
		t.Cleanup(func() {
			w.stop()
			w.check()
		})
		test(w)
	})
}

func openStore(t testing.TB) storage.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// start starts a bot, or the next one after stop.
func (w *world) start() {
	w.Helper()
	b, err := newBot(w.cfg, Deps{
		Store: w.store, Metrics: metric.NewSet(),
		Log: slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}, w.tg.Dial)
	if err != nil {
		w.Fatal(err)
	}
	w.bot = b
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.Errorf("Run: %v", err)
		}
	})
}

// check holds for every test.
func (w *world) check() {
	if logs := w.logs.String(); strings.Contains(logs, tgfake.Token) || strings.Contains(logs, tgfake.Token[10:]) {
		w.Errorf("the token is in the log:\n%s", logs)
	}
	// Not the word alone: the store's error, which comes late, is called so.
	if logs := w.logs.String(); strings.Contains(logs, "panic in ") || strings.Contains(logs, "panic while ") {
		w.Errorf("a handler panicked:\n%s", w.logs)
	}
	for _, call := range w.tg.Calls("") {
		if strings.ContainsAny(call.Params["text"], "{}") {
			w.Errorf("a placeholder was left over: %s", call.Params["text"])
		}
	}
	if v := w.tg.Violations(); len(v) > 0 {
		w.Errorf("Telegram's limits were broken: %v", v)
	}
}

// user makes an account; link ties a person to it as the web and the bot would.
func (w *world) user(name string, admin bool) data.User {
	w.Helper()
	u := data.User{Name: name, Email: strings.ToLower(name) + "@example.org", Administrator: admin}
	if err := w.store.CreateUser(w.Context(), &u); err != nil {
		w.Fatal(err)
	}
	return u
}

func (w *world) code(u data.User) string {
	w.Helper()
	code, hash := linkcode.New()
	err := w.store.CreateTelegramCode(w.Context(), data.TelegramCode{CodeHash: hash, UserID: u.ID, ExpiresAt: time.Now().Add(linkcode.Lifetime)})
	if err != nil {
		w.Fatal(err)
	}
	return code
}

func (w *world) link(p tgfake.Person, u data.User) {
	w.Helper()
	_, err := w.store.UseTelegramCode(w.Context(), linkcode.Hash(w.code(u)), data.TelegramAccount{TelegramID: p.ID, LinkedAt: time.Now()}, time.Now())
	if err != nil {
		w.Fatal(err)
	}
}

// device makes a device that the users may see.
func (w *world) device(name string, users ...data.User) data.Device {
	w.Helper()
	d := data.Device{Name: name, UniqueID: fmt.Sprintf("id-%s-%d", name, time.Now().UnixNano())}
	if err := w.store.CreateDevice(w.Context(), &d); err != nil {
		w.Fatal(err)
	}
	for _, u := range users {
		if err := w.store.AddLinks(w.Context(), data.UserDevice(u.ID, d.ID)); err != nil {
			w.Fatal(err)
		}
	}
	return d
}

func (w *world) position(d data.Device, p data.Position) {
	w.Helper()
	p.DeviceID, p.Protocol, p.ServerTime = d.ID, "test", time.Now()
	if p.FixTime.IsZero() {
		p.FixTime = time.Now()
	}
	p.DeviceTime = p.FixTime
	if err := w.store.InsertPositions(w.Context(), []data.Position{p}, []uint64{p.Fingerprint()}, nil); err != nil {
		w.Fatal(err)
	}
}

// say sends a text and returns the bot's answer.
func (w *world) say(p tgfake.Person, text string) tgfake.Message {
	w.Helper()
	w.tg.SendText(p, text)
	return w.tg.Next(p.ID)
}

// tap taps a button and returns what the bot sent or changed next.
func (w *world) tap(p tgfake.Person, m tgfake.Message, label string) tgfake.Message {
	w.Helper()
	id := w.tg.Tap(p, m, label)
	next := w.tg.Next(p.ID)
	w.tg.AwaitAnswer(id)
	return next
}

// silent wants the bot to have nothing more to say.
func (w *world) silent(chat int64) {
	w.Helper()
	w.tg.Settle()
	if more := w.tg.Unread(chat); len(more) > 0 {
		w.Errorf("chat %d got %d messages too many, the first: %q", chat, len(more), more[0].Text)
	}
}

func (w *world) wantText(m tgfake.Message, parts ...string) {
	w.Helper()
	for _, p := range parts {
		if !strings.Contains(m.Text, p) {
			w.Errorf("the bot said %q, want %q in it", m.Text, p)
		}
	}
}

// labels are the buttons under a message, in one list.
func labels(m tgfake.Message) []string {
	var all []string
	for _, row := range m.Buttons {
		for _, b := range row {
			all = append(all, b.Text)
		}
	}
	return all
}

// flakyStore is a store that can be made to fail.
type flakyStore struct {
	storage.Store
	mu  sync.Mutex
	err error
}

// errStorePanics makes the store panic.
var errStorePanics = errors.New("panic")

func (s *flakyStore) failWithPanic() { s.fail(errStorePanics) }

func (s *flakyStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *flakyStore) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *flakyStore) UserByTelegramID(ctx context.Context, id int64) (data.User, error) {
	if err := s.failure(); err == errStorePanics {
		panic(err)
	} else if err != nil {
		return data.User{}, err
	}
	return s.Store.UserByTelegramID(ctx, id)
}

func (s *flakyStore) SetTelegramOffset(ctx context.Context, bot, offset int64) error {
	if err := s.failure(); err != nil {
		return err
	}
	return s.Store.SetTelegramOffset(ctx, bot, offset)
}

// logBuffer is what was logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
