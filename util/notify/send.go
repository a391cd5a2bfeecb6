package notify

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
)

const (
	// sendTimeout bounds one try.
	sendTimeout = 20 * time.Second
	// lease is how long a delivery that is being sent is left alone: who takes
	// over from a process that ends, or has crashed, sends it after that.
	lease = sendTimeout + storeTimeout
	// dueAtOnce is how many deliveries are looked at in one go, inARow how many
	// of them one person gets by one channel, senders how many are sent at the
	// same time.
	dueAtOnce = 500
	inARow    = 5
	senders   = 16
)

// lane is a line of deliveries: those of one person and channel are sent one after the other.
type lane struct {
	user    int64
	channel string
}

// sender sends what is due.
type sender struct {
	n     *Notifier
	slots chan struct{}
	mu    sync.Mutex
	busy  map[lane]bool
	work  sync.WaitGroup
}

// sendAll sends what is due until ctx ends, and waits for what it has begun.
func (n *Notifier) sendAll(ctx context.Context) {
	s := &sender{n: n, slots: make(chan struct{}, senders), busy: make(map[lane]bool)}
	defer s.work.Wait()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		if err := s.pass(ctx); err != nil && ctx.Err() == nil {
			n.log.Warn("deliveries wait to be sent", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-n.deliveries:
		case <-poll.C:
		}
	}
}

// pass starts to send what is due and not being sent.
func (s *sender) pass(ctx context.Context) error {
	ask, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	due, err := s.n.store.DueDeliveries(ask, slices.Collect(maps.Keys(s.n.channels)), s.n.now(), dueAtOnce)
	if err != nil {
		return err
	}
	lanes := make(map[lane][]data.Delivery)
	var order []lane
	for i := range due {
		l := lane{due[i].UserID, due[i].Channel}
		if len(lanes[l]) == 0 {
			order = append(order, l)
		}
		if len(lanes[l]) < inARow {
			lanes[l] = append(lanes[l], due[i])
		}
	}
	for _, l := range order {
		if !s.take(l) {
			continue
		}
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			s.leave(l)
			return nil
		}
		s.work.Add(1)
		go func() {
			defer s.work.Done()
			defer func() { <-s.slots }()
			defer s.leave(l)
			for i := range lanes[l] {
				if ctx.Err() != nil || !s.n.send(context.WithoutCancel(ctx), &lanes[l][i]) {
					return
				}
			}
			poke(s.n.deliveries) // there may be more of them
		}()
	}
	return nil
}

func (s *sender) take(l lane) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[l] {
		return false
	}
	s.busy[l] = true
	return true
}

func (s *sender) leave(l lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, l)
}

// send tries to send a delivery once and writes down what became of it. It
// tells whether the next one of the lane may be tried.
func (n *Notifier) send(ctx context.Context, d *data.Delivery) bool {
	ctx, cancel := context.WithTimeout(ctx, lease)
	defer cancel()
	was := d.State
	d.State, d.Attempts, d.ChangedAt = data.DeliverySending, d.Attempts+1, n.now()
	d.DueAt = d.ChangedAt.Add(lease)
	if err := n.store.ChangeDelivery(ctx, d, was); err != nil {
		if !errors.Is(err, data.ErrConflict) { // somebody has acknowledged it
			n.log.Warn("delivery not begun", "delivery", d.ID, "err", err)
		}
		return errors.Is(err, data.ErrConflict)
	}
	err := n.try(ctx, d)
	settle(d, err, n.now())
	result := string(d.State)
	if d.State == data.DeliveryQueued {
		result = "again"
	}
	n.metrics.sent(d.Channel, result).Inc()
	if err != nil {
		n.log.Info("delivery not sent", "delivery", d.ID, "channel", d.Channel, "user", d.UserID, "attempt", d.Attempts, "state", string(d.State), "err", err)
	}
	if err := n.store.ChangeDelivery(ctx, d, data.DeliverySending); err != nil {
		n.log.Warn("delivery sent, but that is not written down: it will be sent again", "delivery", d.ID, "err", err)
		return false
	}
	return d.State == data.DeliverySent
}

// try hands a delivery to its channel, if the person may still be told.
func (n *Notifier) try(ctx context.Context, d *data.Delivery) error {
	u, err := n.store.User(ctx, d.UserID)
	if err != nil {
		return err
	}
	if why := n.stale(ctx, &u, d); why != nil {
		return why
	}
	c := n.channels[d.Channel]
	if why := c.Missing(&u); why != "" {
		return final("%s", why)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return c.Send(ctx, &u, d)
}

// stale tells why a delivery must not be sent any more.
func (n *Notifier) stale(ctx context.Context, u *data.User, d *data.Delivery) error {
	now := n.now()
	if !u.Active(now) {
		return final("the account is disabled or has expired")
	}
	if !now.Before(d.ExpiresAt) {
		return final("it was not sent in time")
	}
	if d.DeviceID == 0 || u.Administrator {
		return nil
	}
	v, err := n.access.Viewer(ctx, *u)
	if err != nil {
		return err
	}
	if !v.CanSee(d.DeviceID) {
		return final("the account may no longer see the device")
	}
	return nil
}

// settle writes into a delivery what became of a try.
func settle(d *data.Delivery, err error, now time.Time) {
	var later *laterError
	pause := time.Duration(0)
	if errors.As(err, &later) {
		pause = later.after
	}
	d.Settle(err, errors.Is(err, errFinal) || errors.Is(err, data.ErrNotFound) || errors.Is(err, data.ErrInvalid), pause, now)
}
