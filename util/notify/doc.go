// Package notify tells people what happened: it finds out who is to be told an
// event, by which channel, writes that down as deliveries, and makes them arrive.
//
// A rule (data.Notification) is a type of event, the devices it holds for, and
// conditions; see rule.go for its attributes. Told are the accounts linked to
// the rule that may see the device.
//
//	untold event -> rules that match -> deliveries stored -> event told -> sent
//
// Each step is on disk before the next begins and harmless when it is done
// again, because a delivery has a key that is stored once: a crash anywhere
// loses nothing. What a crash interrupts while it is sent is sent again under
// the same key, so that channels that know repeats (see each) show it once.
//
// One Notifier of an installation works at a time. Deliveries by Telegram are
// stored here and sent by the bot, which knows Telegram's limits.
package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/mail"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/storage"
)

// Store is the part of storage.Store that is needed here.
type Store interface {
	access.Store
	storage.Objects
	storage.Events
	storage.Deliveries
	Device(ctx context.Context, id int64) (data.Device, error)
	PositionsByID(ctx context.Context, ids []int64) ([]data.Position, error)
	User(ctx context.Context, id int64) (data.User, error)
	ListUsers(ctx context.Context) ([]data.User, error)
	ListLinks(ctx context.Context, f storage.LinkFilter) ([]data.Link, error)
	TelegramAccounts(ctx context.Context, userID int64) ([]data.TelegramAccount, error)
	QueueCommand(ctx context.Context, c *data.QueuedCommand) error
	ListCommands(ctx context.Context, f storage.CommandFilter) ([]data.QueuedCommand, error)
}

// Bus is how open pages and trackers hear of what is sent.
type Bus interface {
	PublishNotice(data.Notice) error
	PublishCommand(data.CommandChange) error
}

// Mailer sends mail.
type Mailer interface {
	Send(ctx context.Context, m mail.Message) error
}

// Config is what an operator can set.
type Config struct {
	PrivateNetworks []string `koanf:"private-networks" desc:"private networks, like 192.168.1.0/24, that the addresses of people's webhooks and servers may lie in; those of administrators may lie in any"`
	KeepDays        int      `koanf:"keep-days" desc:"days that the list of what people were told is kept"`
}

// DefaultConfig keeps people out of private networks.
func DefaultConfig() Config { return Config{KeepDays: 90} }

// Validate checks the values.
func (c Config) Validate() error {
	_, err := c.prefixes()
	if c.KeepDays < 1 || c.KeepDays > 3650 {
		err = errors.Join(err, fmt.Errorf("keep-days is %d, it must be 1 to 3650: %w", c.KeepDays, data.ErrInvalid))
	}
	return err
}

func (c Config) prefixes() (list []netip.Prefix, err error) {
	for _, text := range c.PrivateNetworks {
		p, e := netip.ParsePrefix(text)
		if e != nil {
			err = errors.Join(err, fmt.Errorf("private-networks: %q is no network, write it like 192.168.1.0/24: %w", text, data.ErrInvalid))
			continue
		}
		list = append(list, p)
	}
	return list, err
}

// Deps are the parts a Notifier works with.
type Deps struct {
	Store Store
	Bus   Bus
	Log   *slog.Logger
	Now   func() time.Time
	// Mail is nil where none is sent.
	Mail Mailer
	// Telegram tells whether a bot runs that sends deliveries. Optional.
	Telegram func() bool
	// Metrics is where metrics are registered; nil for none.
	Metrics *metric.Set
}

const (
	// pollEvery is how often the store is asked for news: the bus may lose a message.
	pollEvery = time.Second
	// tidyEvery is how often old deliveries are removed.
	tidyEvery = time.Hour
	// storeTimeout bounds a question to the store.
	storeTimeout = 10 * time.Second
	// batch is how many events are dealt with at once.
	batch = 200
)

// Notifier tells people what happened. Its methods may be called by several
// goroutines at once; Run by one process at a time.
type Notifier struct {
	cfg      Config
	store    Store
	bus      Bus
	log      *slog.Logger
	now      func() time.Time
	telegram func() bool
	access   *access.Service
	channels map[string]Channel
	metrics  *metrics

	// events and deliveries have room for one: a second wake-up adds nothing.
	events, deliveries chan struct{}

	mu     sync.Mutex
	cached *rules
	// changes counts Changed: what was read before one is not kept.
	changes uint64
}

// New makes a Notifier.
func New(cfg Config, deps Deps) (*Notifier, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	networks, err := cfg.prefixes()
	if err != nil {
		return nil, err
	}
	n := &Notifier{
		cfg: cfg, store: deps.Store, bus: deps.Bus, log: deps.Log, now: deps.Now, telegram: deps.Telegram,
		access: access.New(deps.Store, deps.Now), channels: make(map[string]Channel),
		metrics: newMetrics(deps.Metrics), events: make(chan struct{}, 1), deliveries: make(chan struct{}, 1),
	}
	if n.telegram == nil {
		n.telegram = func() bool { return false }
	}
	out := newOutside(networks)
	all := []Channel{
		&web{deps.Bus}, &command{deps.Store, deps.Bus, deps.Now}, &webhook{out, deps.Now}, &ntfy{out}, &gotify{out}, &matrix{out}, &mqtt{out},
	}
	if deps.Mail != nil {
		all = append(all, &mails{deps.Mail})
	}
	for _, c := range all {
		n.channels[c.Name()] = c
	}
	return n, nil
}

// Channels are the names of the ways to tell people something that work here,
// in order.
func (n *Notifier) Channels() []string {
	names := slices.Collect(maps.Keys(n.channels))
	if n.telegram() {
		names = append(names, data.ChannelTelegram)
	}
	slices.Sort(names)
	return names
}

// AccessChanged forgets what a change of permissions has made stale.
func (n *Notifier) AccessChanged(c data.AccessChange) {
	n.access.Changed(c)
	n.Changed()
}

// Changed has the rules read again: a notification, a calendar, a geofence, a
// group or an account has changed.
func (n *Notifier) Changed() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cached = nil
	n.changes++
}

// EventsStored says that there are events to look at. It never blocks.
func (n *Notifier) EventsStored() { poke(n.events) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, and then ends what it has begun to send.
func (n *Notifier) Run(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.sendAll(ctx)
	}()
	defer func() { <-done }()
	poll, tidy := time.NewTicker(pollEvery), time.NewTicker(tidyEvery)
	defer poll.Stop()
	defer tidy.Stop()
	for {
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = n.tell(ctx); err != nil && ctx.Err() == nil {
				n.log.Warn("events wait to be told", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-n.events:
		case <-poll.C:
		case <-tidy.C:
			ask, cancel := context.WithTimeout(ctx, storeTimeout)
			if err := n.store.DeleteDeliveries(ask, n.now().AddDate(0, 0, -n.cfg.KeepDays)); err != nil && ctx.Err() == nil {
				n.log.Warn("remove old deliveries", "err", err)
			}
			cancel()
		}
	}
}

// tell deals with the events that nobody has dealt with, a batch of them; more
// says that there may be others. What they are about may be read a little late;
// what is to be told is stored before they count as told.
func (n *Notifier) tell(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	events, err := n.store.UntoldEvents(ctx, batch)
	if err != nil || len(events) == 0 {
		return false, err
	}
	list, err := n.deliveriesOf(ctx, events)
	if err != nil {
		return false, err
	}
	if len(list) > 0 {
		if err := n.store.AddDeliveries(ctx, list); err != nil {
			return false, err
		}
		poke(n.deliveries)
	}
	ids := make([]int64, len(events))
	for i := range events {
		ids[i] = events[i].ID
	}
	if err := n.store.MarkEventsTold(ctx, ids); err != nil {
		return false, err
	}
	n.metrics.events.Add(len(events))
	return len(events) == batch, nil
}
