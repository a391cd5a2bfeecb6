// Package bot is Waymark's Telegram bot: people ask it where their devices are.
//
// It uses telebot.v3 for the types of updates and for routing only. Asking for
// updates (poll.go), calling Telegram (api.go, transport.go, limits.go) and
// judging who may ask (serve.go) are its own, because an update must not be
// confirmed before it is handled, a call must keep Telegram's limits and have a
// deadline, and the token must not reach a log.
package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	tele "gopkg.in/telebot.v3"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/storage"
)

// Store is the part of storage.Store that the bot needs.
type Store interface {
	access.Store
	ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error)
	LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error)
	UseTelegramCode(ctx context.Context, codeHash [32]byte, a data.TelegramAccount, now time.Time) (data.User, error)
	UserByTelegramID(ctx context.Context, telegramID int64) (data.User, error)
	UnlinkTelegram(ctx context.Context, telegramID int64) error
	TelegramOffset(ctx context.Context, botID int64) (int64, error)
	SetTelegramOffset(ctx context.Context, botID, offset int64) error
	DueDeliveries(ctx context.Context, channels []string, now time.Time, limit int) ([]data.Delivery, error)
	ChangeDelivery(ctx context.Context, d *data.Delivery, from ...data.DeliveryState) error
	Delivery(ctx context.Context, id int64) (data.Delivery, error)
	AcknowledgeDelivery(ctx context.Context, id, userID int64, at time.Time) error
}

// Deps is what the bot works with.
type Deps struct {
	Store Store
	// Log is where the bot logs. It takes tokens out of what it writes.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Metrics takes the bot's metrics; nil for none.
	Metrics *metric.Set
}

// Bot is one Telegram bot. Its methods may be called by several goroutines.
type Bot struct {
	cfg     Config
	api     *client
	store   Store
	log     *slog.Logger
	now     func() time.Time
	metrics *metrics

	linkTries *quota // tries of a code, per person
	taps      *quota // commands and taps, per person
	warnings  *quota // "too fast" answers, per person
	refusals  *quota // refusals to answer, per group

	mu    sync.Mutex // guards what follows
	state state
}

// state is how the bot gets on with Telegram.
type state struct {
	running  bool
	me       *tele.User // nil until Telegram has answered once
	lastPoll time.Time  // the last good answer of Telegram
	lastErr  error      // of the calls since; nil if all is well
}

// New makes a bot from an enabled configuration. It does not call Telegram.
func New(cfg Config, deps Deps) (*Bot, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	return newBot(cfg, deps, dialer.DialContext)
}

func newBot(cfg Config, deps Deps, dial dialFunc) (*Bot, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	token, err := cfg.token()
	if err != nil {
		return nil, err
	}
	if deps.Store == nil || deps.Log == nil {
		return nil, errors.New("the bot needs a store and a log")
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	m := newMetrics(deps.Metrics)
	t, err := newTransport(cfg.Proxy, dial, m.calls)
	if err != nil {
		return nil, err
	}
	cfg.Token = "" // the client alone knows it from here on
	return &Bot{
		cfg:       cfg,
		api:       newClient(strings.TrimSuffix(cfg.APIURL, "/"), token, t),
		store:     deps.Store,
		log:       slog.New(redactHandler{deps.Log.Handler()}),
		now:       deps.Now,
		metrics:   m,
		linkTries: newQuota(5, 15*time.Minute),
		taps:      newQuota(20, time.Minute),
		warnings:  newQuota(1, time.Minute),
		refusals:  newQuota(1, time.Hour),
	}, nil
}

// Run answers people until ctx ends, and then finishes what it has begun, which
// takes 20 seconds at most. Telegram being away is no error: Run goes on trying
// and Health says so. The only error is to run twice at the same time.
func (b *Bot) Run(ctx context.Context) error {
	b.mu.Lock()
	if b.state.running {
		b.mu.Unlock()
		return errors.New("the Telegram bot is running already")
	}
	b.state.running = true
	b.mu.Unlock()
	defer func() {
		b.api.http.CloseIdleConnections()
		b.mu.Lock()
		b.state.running = false
		b.mu.Unlock()
	}()

	me, err := b.connect(ctx)
	if err != nil {
		return nil // ctx has ended
	}
	b.log.Info("telegram bot connected", "bot", me.Username)
	offset, err := b.loadOffset(ctx, me.ID)
	if err != nil {
		return nil // ctx has ended
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		b.sendDeliveries(ctx)
	}()
	b.poll(ctx, me, offset)
	<-sent
	return nil
}

// stuckAfter is how long the bot may go without a good poll, beyond the poll's
// own length, before it counts as not ready.
const stuckAfter = 2 * time.Minute

// Health returns nil while Telegram answers, else what is wrong and since when.
// A bot that is not healthy mends itself once the cause is gone.
func (b *Bot) Health() error {
	b.mu.Lock()
	s := b.state
	b.mu.Unlock()
	switch silent := b.now().Sub(s.lastPoll); {
	case s.lastErr != nil && s.lastPoll.IsZero():
		return fmt.Errorf("telegram bot: not connected yet: %w", s.lastErr)
	case s.lastErr != nil:
		return fmt.Errorf("telegram bot: last good answer %s ago: %w", silent.Round(time.Second), s.lastErr)
	case s.lastPoll.IsZero():
		return errors.New("telegram bot: not connected yet")
	case silent > b.cfg.PollTimeout+stuckAfter:
		return fmt.Errorf("telegram bot: last good answer %s ago", silent.Round(time.Second))
	}
	return nil
}

// Username is the bot's @name without the @, for links to it; "" until Telegram
// has answered once.
func (b *Bot) Username() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.me == nil {
		return ""
	}
	return b.state.me.Username
}

// failed and polled keep the state for Health.
func (b *Bot) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state.lastErr = err
}

func (b *Bot) polled() {
	now := b.now()
	b.metrics.lastPoll.Set(float64(now.Unix()))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state.lastPoll, b.state.lastErr = now, nil
}
