package bot

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tgram-bot/tgfake"
)

func TestTelegramDownAtStart(t *testing.T) {
	for name, fault := range map[string]tgfake.Fault{
		"bad gateway":      tgfake.BadGateway,
		"internal error":   tgfake.Internal,
		"login page":       {Status: 200, Body: "<html>Please sign in to the network</html>"},
		"JSON of another":  {Status: 200, Body: `{"result":true}`},
		"half an answer":   {Status: 200, Body: `{"ok":true,"result":{"id":12`},
		"cut connection":   {CutBefore: true},
		"cut after effect": {CutAfter: true},
		"limits":           {Code: 429, RetryAfter: 40},
	} {
		t.Run(name, func(t *testing.T) {
			inStoppedWorld(t, func(w *world) {
				f := w.tg.Inject(fault)
				w.start()
				if err := w.bot.Health(); err == nil || w.bot.Username() != "" {
					w.Error("the bot is healthy before it has connected")
				}
				time.Sleep(10 * time.Minute)
				if err := w.bot.Health(); err == nil {
					w.Error("the bot is healthy without Telegram")
				}
				if n := f.Used(); n < 5 || n > 60 {
					w.Errorf("%d calls in ten minutes", n)
				}
				w.tg.SendText(anna, "/start")
				f.Remove()
				time.Sleep(2 * time.Minute)
				if err := w.bot.Health(); err != nil || w.bot.Username() != tgfake.Username {
					w.Errorf("not recovered: %v", err)
				}
				w.wantText(w.tg.Next(anna.ID), "Welcome to Waymark")
				w.silent(anna.ID)
			})
		})
	}
}

func TestConflictNeverGivesUp(t *testing.T) {
	inWorld(t, func(w *world) {
		f := w.tg.Inject(tgfake.Conflict)
		time.Sleep(3 * time.Hour)
		if err := w.bot.Health(); err == nil || !strings.Contains(err.Error(), "other getUpdates") {
			w.Errorf("health: %v", err)
		}
		if n := f.Used(); n < 100 || n > 400 {
			w.Errorf("%d calls in three hours", n)
		}
		if !strings.Contains(w.logs.String(), "another program uses the same token") {
			w.Error("the log does not say what to do")
		}
		w.tg.SendText(anna, "/start")
		f.Remove()
		time.Sleep(time.Minute)
		w.wantText(w.tg.Next(anna.ID), "Welcome")
		if err := w.bot.Health(); err != nil {
			w.Error(err)
		}
	})
}

func TestTwoPollers(t *testing.T) {
	inWorld(t, func(w *world) {
		first := w.stop
		w.start() // a second bot with the same token
		time.Sleep(10 * time.Minute)
		if n := len(w.tg.Calls("getUpdates")); n > 600 {
			w.Errorf("%d polls in ten minutes", n)
		}
		first()
		time.Sleep(time.Minute)
		w.wantText(w.say(anna, "/start"), "Welcome")
		if err := w.bot.Health(); err != nil {
			w.Error(err)
		}
	})
}

func TestWrongToken(t *testing.T) {
	inStoppedWorld(t, func(w *world) {
		w.cfg.Token = "987654321:" + strings.Repeat("Wrong", 7)
		w.start()
		time.Sleep(time.Hour)
		if err := w.bot.Health(); err == nil || !strings.Contains(err.Error(), "Unauthorized") {
			w.Errorf("health: %v", err)
		}
		if !strings.Contains(w.logs.String(), "telegram refuses the token") || strings.Contains(w.logs.String(), w.cfg.Token) {
			w.Errorf("log: %s", w.logs)
		}
	})
}

func TestRestartGoesOn(t *testing.T) {
	inWorld(t, func(w *world) {
		for i := range 3 {
			w.wantText(w.say(anna, "/start"), "Welcome")
			w.stop() // at once: the last update is handled, and not confirmed to Telegram
			if w.tg.Pending() != 1 {
				w.Error("the test wants the update unconfirmed")
			}
			w.tg.SendText(bert, fmt.Sprintf("/x%d", i)) // while the bot is away
			w.start()
			w.wantText(w.tg.Next(bert.ID), "Diesen Befehl kenne ich nicht")
			time.Sleep(5 * time.Second)
		}
		w.silent(anna.ID)
		w.silent(bert.ID)
		if offset, err := w.store.TelegramOffset(w.Context(), tgfake.BotID); err != nil || offset != w.tg.NextUpdateID() {
			w.Errorf("stored offset %d, %v, want %d", offset, err, w.tg.NextUpdateID())
		}
	})
}

func TestRepeatedAndUnreadableUpdates(t *testing.T) {
	inWorld(t, func(w *world) {
		const id = 700_000_100
		good := json.RawMessage(`{"update_id":700000100,"message":{"message_id":1,"date":1,"chat":{"id":1001,"type":"private"},"from":{"id":1001,"first_name":"A"},"text":"/nonsense"}}`)
		w.tg.SendText(anna, "/start")
		w.tg.Next(anna.ID)
		w.tg.Settle()
		w.tg.SetNextUpdateID(id + 10)
		w.tg.PushRaw(id-1, json.RawMessage(`{"update_id":700000099,"message":"what is this"}`))
		w.tg.PushRaw(id, good)
		w.tg.PushRaw(id, good)
		w.wantText(w.tg.Next(anna.ID), "do not know this command")
		w.silent(anna.ID)
		if !strings.Contains(w.logs.String(), "cannot be read") {
			w.Error("nobody is told of the unreadable update")
		}
		w.tg.SetNextUpdateID(5) // a week has passed
		w.wantText(w.say(anna, "/help"), "To connect your Waymark account")
		w.silent(anna.ID)

		before := len(w.tg.Calls("getUpdates"))
		w.tg.PushRaw(6, json.RawMessage(`{"no":"id"}`))
		time.Sleep(10 * time.Minute)
		if n := len(w.tg.Calls("getUpdates")) - before; n > 30 {
			w.Errorf("%d polls in ten minutes for an update without an id", n)
		}
	})
}

func TestStoreDown(t *testing.T) {
	inWorld(t, func(w *world) {
		w.store.fail(fmt.Errorf("the disk is gone: %w", data.ErrUnavailable))
		w.wantText(w.say(anna, "/start"), "Waymark cannot answer at the moment")
		time.Sleep(10 * time.Minute)
		if w.bot.Health() == nil {
			w.Error("the bot is healthy without its store")
		}
		if w.tg.Pending() == 0 {
			w.Error("an update was confirmed before its offset was stored")
		}
		w.store.fail(errors.New("broken"))
		w.store.fail(nil)
		time.Sleep(2 * time.Minute)
		w.silent(anna.ID)
		if err := w.bot.Health(); err != nil {
			w.Error(err)
		}
		w.store.fail(errors.New("a bug"))
		w.wantText(w.say(anna, "/start"), "Something went wrong")
		w.store.fail(nil)
	})
}

func TestStopFinishesWhatHasBegun(t *testing.T) {
	inWorld(t, func(w *world) {
		f := w.tg.Inject(tgfake.Fault{Method: "sendMessage", Times: 1, Code: 429, RetryAfter: 5})
		w.tg.SendText(anna, "/start")
		w.tg.Await("the answer to be held back", func() bool { return f.Used() == 1 })
		began := time.Now()
		w.stop()
		if d := time.Since(began); d < 4*time.Second || d > grace {
			w.Errorf("stopping took %v", d)
		}
		if len(w.tg.Unread(anna.ID)) != 1 {
			w.Error("the answer was dropped")
		}
		w.start()
		w.tg.Next(anna.ID)
		w.silent(anna.ID)
	})
}

// TestStopInTime stops while more waits than the grace allows: what was not
// begun must come again after the restart.
func TestStopInTime(t *testing.T) {
	inWorld(t, func(w *world) {
		f := w.tg.Inject(tgfake.Fault{Method: "sendMessage", Chat: anna.ID, Times: 1, Code: 429, RetryAfter: 25})
		w.tg.SendText(anna, "/start")
		w.tg.Await("the answer to be held back", func() bool { return f.Used() == 1 })
		w.tg.SendText(anna, "/help")
		began := time.Now()
		w.stop()
		if d := time.Since(began); d > grace+5*time.Second {
			w.Errorf("stopping took %v", d)
		}
		time.Sleep(time.Minute)
		w.start()
		w.wantText(w.tg.Next(anna.ID), "To connect your Waymark account")
		w.silent(anna.ID)
	})
}

func TestChatsDoNotWaitForEachOther(t *testing.T) {
	inWorld(t, func(w *world) {
		f := w.tg.Inject(tgfake.Fault{Method: "sendMessage", Chat: anna.ID, Times: 1, Code: 429, RetryAfter: 20})
		w.tg.SendText(anna, "/start")
		w.tg.Await("the answer to be held back", func() bool { return f.Used() == 1 })
		for range 3 {
			began := time.Now()
			w.tg.SendText(bert, "/start")
			if m := w.tg.Next(bert.ID); m.At.Sub(began) > 2*busyPause {
				w.Errorf("the other chat waited %v", m.At.Sub(began))
			}
		}
		if w.tg.Pending() != 4 {
			w.Error("an update was confirmed before an older one was handled")
		}
		time.Sleep(20 * time.Second)
		w.wantText(w.tg.Next(anna.ID), "Welcome")
		w.silent(anna.ID)
		w.silent(bert.ID)
	})
}

func TestRunTwice(t *testing.T) {
	inWorld(t, func(w *world) {
		if err := w.bot.Run(w.Context()); err == nil {
			w.Error("a second Run is allowed")
		}
	})
}
