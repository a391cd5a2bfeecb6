package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/mail"
	"github.com/waymark-gps/waymark/util/storage"
)

// death is a process that dies at a step: before the step has an effect, or
// after it, but before whoever asked for it hears of that. Dead, it does
// nothing any more.
type death struct {
	mu    sync.Mutex
	at    int // counts down; 0 at first: never
	after bool
	dead  bool
	steps int
}

var errDead = errors.New("the process has died")

// do does a step.
func (d *death) do(step func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errDead
	}
	d.steps++
	dies := d.steps == d.at
	if d.dead = dies; dies && !d.after {
		return errDead
	}
	err := step()
	if dies {
		return errDead
	}
	return err
}

type mortalStore struct {
	storage.Store
	*death
}

func (s mortalStore) AddDeliveries(ctx context.Context, l []data.Delivery) error {
	return s.do(func() error { return s.Store.AddDeliveries(ctx, l) })
}

func (s mortalStore) MarkEventsTold(ctx context.Context, ids []int64) error {
	return s.do(func() error { return s.Store.MarkEventsTold(ctx, ids) })
}

func (s mortalStore) ChangeDelivery(ctx context.Context, d *data.Delivery, from ...data.DeliveryState) error {
	return s.do(func() error { return s.Store.ChangeDelivery(ctx, d, from...) })
}

func (s mortalStore) QueueCommand(ctx context.Context, c *data.QueuedCommand) error {
	return s.do(func() error { return s.Store.QueueCommand(ctx, c) })
}

type mortalBus struct {
	*fakeBus
	*death
}

func (b mortalBus) PublishNotice(n data.Notice) error {
	return b.do(func() error { return b.fakeBus.PublishNotice(n) })
}

func (b mortalBus) PublishCommand(c data.CommandChange) error {
	return b.do(func() error { return b.fakeBus.PublishCommand(c) })
}

type mortalMail struct {
	*fakeMail
	*death
}

func (m mortalMail) Send(ctx context.Context, msg mail.Message) error {
	return m.do(func() error { return m.fakeMail.Send(ctx, msg) })
}

// TestExactlyOnce kills the process at every step there is, before it and after
// it, starts it again, and counts what each receiver got: one, as far as the
// receiver knows repeats, and never none.
func TestExactlyOnce(t *testing.T) {
	e := newEnv(t)
	for _, after := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("%d after=%t", at, after), func(t *testing.T) {
				e.TB, e.bus, e.mail = t, &fakeBus{}, &fakeMail{}
				more = dieAndLive(t, e, at, after)
			})
			if at > 200 {
				t.Fatal("it never ends")
			}
		}
	}
}

// dieAndLive tells whether the process died.
func dieAndLive(t *testing.T, e *env, at int, after bool) bool {
	var hooks sync.Map
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		hooks.Store(r.Header.Get("Idempotency-Key"), true)
	}))
	defer hook.Close()
	name := fmt.Sprint(at, after)
	anna := e.user("anna"+name, map[string]any{attrWebhookURL: hook.URL})
	anna.Administrator = true // may call this machine
	e.ok(e.store.UpdateUser(t.Context(), &anna))
	bert := e.user("bert"+name, nil)
	link(e, anna, anna.ID)
	truck := e.device("Truck"+name, anna, bert)
	saved := data.SavedCommand{Type: "custom", Description: "x"}
	e.ok(e.store.CreateObject(t.Context(), &saved))
	rule := e.rule(data.Notification{Type: data.EventAlarm, Always: true, Notificators: "web,mail,webhook,telegram,command", CommandID: saved.ID}, anna, bert)
	defer func() { e.ok(e.store.DeleteObject(context.Background(), data.NotificationKind, rule.ID)) }()
	for range 2 {
		e.event(truck, data.EventAlarm, alarmEvent("sos"))
	}

	d := &death{at: at, after: after}
	deps := e.deps()
	deps.Store, deps.Bus, deps.Mail = mortalStore{e.store, d}, mortalBus{e.bus, d}, mortalMail{e.mail, d}
	live := func() {
		n, err := New(DefaultConfig(), deps)
		e.ok(err)
		for range 10 {
			if _, err := n.tell(t.Context()); err != nil && !d.dead {
				t.Fatal(err)
			}
			due, err := e.store.DueDeliveries(t.Context(), slices.Collect(maps.Keys(n.channels)), e.now(), 100)
			e.ok(err)
			for i := range due {
				if !d.dead {
					n.send(t.Context(), &due[i])
				}
			}
			e.pass(20 * time.Second)
		}
	}
	live()
	died := d.dead
	d.dead, d.at = false, 0
	live()

	mails, pages := make(map[string]int), make(map[string]int)
	for _, m := range e.mail.sent {
		mails[m.To+m.ID] = 1
	}
	for _, n := range e.bus.notices {
		pages[fmt.Sprint(n.UserID, jsonOf(t, n.Event)["id"])] = 1
	}
	called := 0
	hooks.Range(func(any, any) bool { called++; return true })
	commands, err := e.store.ListCommands(t.Context(), storage.CommandFilter{DeviceIDs: []int64{truck.ID}})
	e.ok(err)
	all, err := e.store.ListDeliveries(t.Context(), storage.DeliveryFilter{DeviceID: truck.ID})
	e.ok(err)
	telegrams := 0
	for i := range all {
		d := &all[i]
		if d.Channel == data.ChannelTelegram && d.State == data.DeliveryQueued {
			telegrams++
		} else if d.State != data.DeliverySent {
			t.Errorf("%s is %s: %s", d.Key, d.State, d.Error)
		}
	}
	for what, have := range map[string][2]int{
		"mails": {len(mails), 4}, "pages": {len(pages), 4}, "webhooks": {called, 2}, "commands": {len(commands), 2}, "telegram rows": {telegrams, 2},
	} {
		if have[0] != have[1] {
			t.Errorf("%s: %d, want %d", what, have[0], have[1])
		}
	}
	return died
}

// link connects a Telegram account.
func link(e *env, u data.User, telegramID int64) {
	e.Helper()
	code := [32]byte{byte(telegramID), byte(telegramID >> 8), 1}
	e.ok(e.store.CreateTelegramCode(e.Context(), data.TelegramCode{CodeHash: code, UserID: u.ID, ExpiresAt: e.now().Add(time.Hour)}))
	_, err := e.store.UseTelegramCode(e.Context(), code, data.TelegramAccount{TelegramID: telegramID, LinkedAt: e.now()}, e.now())
	e.ok(err)
}
