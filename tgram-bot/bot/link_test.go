package bot

import (
	"testing"
	"time"

	"github.com/waymark-gps/waymark/tgram-bot/text"
	"github.com/waymark-gps/waymark/tgram-bot/tgfake"
	"github.com/waymark-gps/waymark/util/linkcode"
)

func TestLinkByDeepLink(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.user("Alice", false)
		m := w.say(anna, "/start "+w.code(u))
		w.wantText(m, "Connect this Telegram account")
		w.wantText(w.tap(anna, m, "Connect"), "Connected as Alice")
		if left := w.tg.Message(anna.ID, m.ID).Buttons; len(left) > 0 {
			w.Error("the buttons, and with them the code, stay under the message")
		}
		accounts, err := w.store.TelegramAccounts(w.Context(), u.ID)
		if err != nil || len(accounts) != 1 || accounts[0].TelegramID != anna.ID || accounts[0].Name != "Anna A (@anna)" {
			w.Errorf("stored accounts: %+v, %v", accounts, err)
		}
		w.wantText(w.say(anna, "/start"), "You are connected as Alice")
		w.silent(anna.ID)
	})
}

func TestLinkByTypedCode(t *testing.T) {
	inWorld(t, func(w *world) {
		code := w.code(w.user("Alice", false))
		typed := code[:4] + " " + string([]byte{code[5] | ' '}) + code[6:9] + code[10:] // spaces, no hyphens, one small letter
		w.wantText(w.say(anna, "/link"), "/link followed by the code")
		w.wantText(w.say(anna, "/link 12345"), "not a code")
		m := w.say(anna, "/link "+typed)
		w.wantText(w.tap(anna, m, "Connect"), "Connected as Alice")
	})
}

func TestLinkRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		alice := w.user("Alice", false)
		m := w.say(anna, "/link "+w.code(alice))
		w.wantText(w.tap(anna, m, "No"), "Nothing was connected")

		wrong, _ := linkcode.New()
		m = w.say(anna, "/link "+wrong)
		w.wantText(w.tap(anna, m, "Connect"), "wrong, used or too old")

		old := w.code(alice)
		m = w.say(anna, "/link "+old)
		time.Sleep(linkcode.Lifetime + time.Second)
		w.wantText(w.tap(anna, m, "Connect"), "wrong, used or too old")

		used := w.code(alice)
		m = w.say(anna, "/link "+used)
		w.wantText(w.tap(anna, m, "Connect"), "Connected as Alice")
		w.tg.SendText(bert, "/link "+used)
		w.wantText(w.tap(bert, w.tg.Next(bert.ID), "Verbinden"), "falsch, verbraucht oder zu alt")
		w.wantText(w.say(bert, "/devices"), "nicht mit Waymark verbunden")
	})
}

func TestLinkTriesAreLimited(t *testing.T) {
	inWorld(t, func(w *world) {
		for range 5 {
			wrong, _ := linkcode.New()
			w.wantText(w.tap(anna, w.say(anna, "/link "+wrong), "Connect"), "wrong, used or too old")
		}
		good := w.code(w.user("Alice", false))
		m := w.say(anna, "/link "+good)
		w.wantText(w.tap(anna, m, "Connect"), "Too many tries")
		time.Sleep(15 * time.Minute)
		m = w.say(anna, "/link "+w.code(w.user("Alina", false)))
		w.wantText(w.tap(anna, m, "Connect"), "Connected as Alina")
	})
}

func TestLinkReplaces(t *testing.T) {
	inWorld(t, func(w *world) {
		w.link(anna, w.user("Alice", false))
		other := w.user("Other", false)
		m := w.say(anna, "/link "+w.code(other))
		w.wantText(m, "You are connected as Alice now")
		w.wantText(w.tap(anna, m, "Connect"), "Connected as Other")
		w.wantText(w.say(anna, "/start"), "connected as Other")
	})
}

func TestLinkToDisabledAccount(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.user("Alice", false)
		code := w.code(u)
		u.Disabled = true
		if err := w.store.UpdateUser(w.Context(), &u); err != nil {
			w.Fatal(err)
		}
		w.wantText(w.tap(anna, w.say(anna, "/link "+code), "Connect"), "account is disabled")
		w.device("Secret", u)
		w.wantText(w.say(anna, "/devices"), "account is disabled")
		w.wantText(w.tap(anna, w.say(anna, "/unlink"), "End it"), "The connection has ended")
	})
}

func TestUnlink(t *testing.T) {
	inWorld(t, func(w *world) {
		w.wantText(w.say(anna, "/unlink"), "not connected")
		w.link(anna, w.user("Alice", false))
		m := w.say(anna, "/unlink")
		w.wantText(m, "connected as Alice")
		w.wantText(w.tap(anna, m, "No"), "You stay connected")
		w.wantText(w.say(anna, "/devices"), "no devices yet")
		m = w.say(anna, "/unlink")
		w.wantText(w.tap(anna, m, "End it"), "The connection has ended")
		w.wantText(w.say(anna, "/devices"), "not connected")
	})
}

// TestUnlinkedLearnNothing sends everything a stranger can send.
func TestUnlinkedLearnNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		alice := w.user("Alice", true)
		d := w.device("Secret Truck", alice)
		w.position(d, here)
		w.link(bert, alice)
		list := w.say(bert, "/devices")
		for _, said := range []string{"/start", "/help", "/devices", "/devices Secret", "/where Secret Truck", "Secret Truck", d.UniqueID, "/link", "/unlink", "/x"} {
			w.say(anna, said)
			time.Sleep(5 * time.Second)
		}
		m := w.say(anna, "/help")
		for _, data := range []string{"\flist|0|", "\fdev|1|0|", "\fpin|1", "\fwhere|1", "\fdev|", "\flist|", "\fnothing|1", "rubbish", "\f", "\flink|x"} {
			w.tg.AwaitAnswer(w.tg.TapData(anna, m, data))
			time.Sleep(5 * time.Second)
		}
		w.tg.AwaitAnswer(w.tg.TapData(anna, list, list.Buttons[0][0].Data)) // a message of another chat
		w.tg.Settle()
		for _, m := range w.tg.Messages(anna.ID) {
			if m.From == tgfake.BotID && (m.Location != nil || containsAny(m.Markup+jsonOf(m.Buttons), "Secret", "Alice", "id-")) {
				w.Errorf("a stranger was told %q", m.Markup)
			}
		}
	})
}

func TestLanguages(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, l := range text.Languages() {
			p := anna
			p.Language = l.Code
			w.wantText(w.say(p, "/help"), plainOf(w.T, l.HelpUnlinked))
			if menu := w.tg.Commands(l.Code); len(menu) != 5 || menu[0].Description != l.CommandDevices {
				w.Errorf("%s menu: %+v", l.Code, menu)
			}
		}
		if menu := w.tg.Commands(""); len(menu) != 5 || menu[0].Description != text.For("en").CommandDevices {
			w.Errorf("default menu: %+v", menu)
		}
	})
}
