package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	tele "gopkg.in/telebot.v3"

	"github.com/waymark-gps/waymark/tgram-bot/text"
	"github.com/waymark-gps/waymark/tgram-bot/tgfake"
)

// TestUpdatesWithHoles gives every handler updates without a sender, a chat, a
// message. None may panic or say anything but to stop a spinner.
func TestUpdatesWithHoles(t *testing.T) {
	inWorld(t, func(w *world) {
		router := w.bot.router(w.Context(), teleUser())
		private := &tele.Chat{ID: 5, Type: tele.ChatPrivate}
		person := &tele.User{ID: 5}
		said := []string{
			"/start", "/start x", "/help", "/link", "/link x", "/unlink", "/devices", "/where", "/where x", "text", "/what",
			"\flink", "\flink|x", "\fdev|1", "\a", "\atext", "/", "/@", "@",
		}
		var updates []tele.Update
		for _, s := range said {
			for _, m := range []tele.Message{
				{},
				{Chat: private},
				{Sender: person},
				{Chat: private, Sender: &tele.User{ID: 5, IsBot: true}},
				{Chat: private, Sender: person, SenderChat: private},
				{Chat: &tele.Chat{}, Sender: nil},
			} {
				m.Text = s
				updates = append(updates, tele.Update{Message: &m}, tele.Update{EditedMessage: &m}, tele.Update{ChannelPost: &m}, tele.Update{EditedChannelPost: &m})
			}
		}
		for _, endpoint := range []string{"link", "unlink", "list", "dev", "pin", "where", "other", ""} {
			for _, cb := range []tele.Callback{
				{},
				{ID: "1"},
				{Sender: person},
				{ID: "1", Sender: person},
				{ID: "1", Sender: person, MessageID: "inline"},
				{ID: "1", Sender: person, Message: &tele.Message{}},
				{ID: "1", Message: &tele.Message{Chat: private}},
				{ID: "1", Sender: person, Message: &tele.Message{Chat: private}, MessageID: "inline"},
				{ID: "1", Sender: person, Message: &tele.Message{Chat: &tele.Chat{ID: -5, Type: tele.ChatGroup}}},
			} {
				for _, data := range []string{"\f" + endpoint, "\f" + endpoint + "|", "\f" + endpoint + "|zz|1|2", endpoint} {
					cb.Data = data
					updates = append(updates, tele.Update{Callback: &cb})
				}
			}
		}
		updates = append(updates, tele.Update{}, tele.Update{Message: &tele.Message{MigrateTo: -7}}, tele.Update{MyChatMember: &tele.ChatMemberUpdate{}},
			tele.Update{Query: &tele.Query{}}, tele.Update{Message: &tele.Message{Photo: &tele.Photo{}}}, tele.Update{Message: &tele.Message{Location: &tele.Location{}}},
			tele.Update{Boost: &tele.BoostUpdated{}}, tele.Update{Message: &tele.Message{PinnedMessage: &tele.Message{}}})
		before := len(w.tg.Calls("sendMessage"))
		for i := range updates {
			time.Sleep(3 * time.Second) // below the quota
			if updates[i].Message != nil && updates[i].Message.MigrateTo != 0 {
				// telebot itself panics here; handle must survive it.
				w.bot.handle(router, &update{id: 1, Update: updates[i]})
				w.logs.reset()
				continue
			}
			w.bot.handle(router, &update{id: 1, Update: updates[i]})
		}
		for _, c := range w.tg.Calls("")[before:] {
			if c.Method == "sendMessage" || c.Method == "sendLocation" || c.Method == "editMessageText" {
				w.Errorf("%s %v", c.Method, c.Params)
			}
		}
	})
}

func TestPanicIsAnswered(t *testing.T) {
	inWorld(t, func(w *world) {
		w.store.failWithPanic()
		w.wantText(w.say(anna, "/start"), "Something went wrong")
		if !strings.Contains(w.logs.String(), "panic in a handler") {
			w.Error("the panic is not in the log")
		}
		w.logs.reset()
		w.store.fail(nil)
		w.wantText(w.say(anna, "/start"), "Welcome")
	})
}

func TestGroupsAreRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		const group = -100123
		u := w.user("Alice", true)
		w.device("Secret", u)
		w.link(anna, u)
		w.tg.SendTextTo(group, anna, "good morning all")
		w.tg.SendTextTo(group, anna, "/devices@another_bot")
		w.silent(group)
		for range 2 {
			for _, said := range []string{"/devices@" + strings.ToUpper(tgfake.Username), "/devices", "/where Secret", "/start", "Secret", "/x"} {
				w.tg.SendTextTo(group, anna, said)
			}
			w.wantText(w.tg.Next(group), "private chats only")
			w.silent(group)
			time.Sleep(time.Hour + time.Minute)
		}
		m := w.say(anna, "/devices")
		m.Chat = group
		if a := w.tg.AwaitAnswer(w.tg.TapData(anna, m, "\fdev|1|0|")); a.Text != text.For("en").ExpiredPopup {
			w.Errorf("a tap in a group is answered %q", a.Text)
		}
		w.silent(group)
	})
}

func TestTooFast(t *testing.T) {
	inWorld(t, func(w *world) {
		for range 60 {
			w.tg.SendText(anna, "/help")
		}
		w.wantText(w.say(bert, "/help"), "Um dein Waymark-Konto")
		time.Sleep(40 * time.Second)
		for range 20 {
			w.wantText(w.tg.Next(anna.ID), "To connect")
		}
		w.wantText(w.tg.Next(anna.ID), "Please wait a minute")
		w.silent(anna.ID)
		time.Sleep(time.Minute)
		m := w.say(anna, "/help")
		var last string
		for range 20 {
			last = w.tg.TapData(anna, m, "nothing")
		}
		time.Sleep(30 * time.Second) // each tap takes a second of the chat's limit
		if a := w.tg.AwaitAnswer(last); a.Text != text.For("en").TooFast {
			w.Errorf("popup %q", a.Text)
		}
		w.tg.Settle()
		if n := w.tg.Unanswered(); n > 0 {
			w.Errorf("%d spinners still turn", n)
		}
	})
}

func TestCatchAll(t *testing.T) {
	inWorld(t, func(w *world) {
		w.wantText(w.say(anna, "/Start"), "do not know this command")
		m := w.say(anna, "/link 0000-0000-0000")
		tap := w.tg.TapData(anna, m, "\fgone|1")
		if a := w.tg.AwaitAnswer(tap); a.Text != text.For("en").ExpiredPopup {
			w.Errorf("popup %q", a.Text)
		}
		if left := w.tg.Next(anna.ID); len(left.Buttons) > 0 || left.ID != m.ID {
			w.Error("the buttons of an old message stay")
		}
		for _, content := range []string{`"photo":[{"file_id":"x"}]`, `"location":{"latitude":1,"longitude":2}`, `"contact":{"phone_number":"1"}`, `"dice":{"value":1}`} {
			raw := json.RawMessage(fmt.Sprintf(`{"message_id":9,"date":1,"chat":{"id":%d,"type":"private"},"from":{"id":%d,"language_code":"en"},%s}`, anna.ID, anna.ID, content))
			w.tg.Push("message", raw)
			w.wantText(w.tg.Next(anna.ID), "text only")
		}
		w.tg.Push("edited_message", map[string]any{"text": "/start"}) // not asked for
		w.silent(anna.ID)
	})
}

// TestOverTCP is the way main takes: New, a real port.
func TestOverTCP(t *testing.T) {
	tg := tgfake.New(t)
	cfg := DefaultConfig()
	cfg.APIURL, cfg.Token = tg.URL+"/", tgfake.Token
	w := &world{T: t, tg: tg, logs: &logBuffer{}, cfg: cfg, store: &flakyStore{Store: openStore(t)}}
	w.start()
	defer w.check()
	defer func() { w.stop() }()
	w.tg.Await("the bot to poll", func() bool { return len(tg.Calls("getUpdates")) > 0 })
	w.wantText(w.say(anna, "/start"), "Welcome to Waymark")
	w.silent(anna.ID)
	if err := w.bot.Health(); err != nil || w.bot.Username() != tgfake.Username {
		t.Errorf("health %v, name %q", err, w.bot.Username())
	}
}

// TestEverySentenceIsAccepted sends all HTML of all languages.
func TestEverySentenceIsAccepted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tg.SendText(anna, "/start")
		w.tg.Next(anna.ID)
		values := []any{"n", 1}
		for _, name := range []string{"name", "query", "from", "to", "speed", "percent", "age"} {
			values = append(values, name, strings.Repeat("<&", 5000))
		}
		for _, l := range text.Languages() {
			fields := reflect.ValueOf(*l)
			for i := range fields.NumField() {
				sentence, ok := fields.Field(i).Interface().(string)
				if !ok {
					continue
				}
				ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
				if err := w.bot.api.sendMessage(ctx, anna.ID, text.Format(sentence, values...), nil); err != nil {
					w.Errorf("%s %s: %v", l.Code, fields.Type().Field(i).Name, err)
				}
				cancel()
			}
		}
	})
}
