package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waymark-gps/waymark/tgram-bot/tgfake"
)

func TestStormOf429KeepsOrder(t *testing.T) {
	inWorld(t, func(w *world) {
		w.link(anna, w.user("Alice", false))
		for i := range 15 {
			w.tg.SendText(anna, fmt.Sprintf("device %d", i))
		}
		for range 6 {
			time.Sleep(5 * time.Second)
			w.tg.Inject(tgfake.Fault{Method: "sendMessage", Times: 1, Code: 429, RetryAfter: 3})
		}
		time.Sleep(2 * time.Minute)
		for i := range 15 {
			w.wantText(w.tg.Next(anna.ID), fmt.Sprintf("“device %d”", i))
		}
		w.silent(anna.ID)
	})
}

// TestManySendersKeepLimitsAndOrder sends more than Telegram allows, from many
// goroutines, through 429s and broken connections.
func TestManySendersKeepLimitsAndOrder(t *testing.T) {
	inWorld(t, func(w *world) {
		chats := []int64{anna.ID, bert.ID, 1003, -500, -501}
		for id := int64(2000); id < 2040; id++ {
			chats = append(chats, id)
		}
		for _, id := range chats {
			w.tg.SendTextTo(id, tgfake.Person{ID: 999_000 + id}, "hello")
		}
		w.tg.Settle()
		time.Sleep(time.Minute)
		for _, f := range []tgfake.Fault{
			{Chat: anna.ID, Times: 3, Code: 429, RetryAfter: 7}, {Chat: bert.ID, Times: 2, Status: 502}, {Chat: 1003, Times: 2, CutBefore: true},
		} {
			f.Method = "sendMessage"
			w.tg.Inject(f)
		}
		ctx, cancel := context.WithTimeout(w.Context(), time.Hour)
		defer cancel()
		const each = 12
		var all sync.WaitGroup
		for _, id := range chats {
			for n := range each {
				all.Go(func() {
					time.Sleep(time.Duration(n+1) * time.Microsecond) // the order that is wanted
					if err := w.bot.api.sendMessage(ctx, id, fmt.Sprintf("number %d", n), nil); err != nil {
						w.Errorf("chat %d, number %d: %v", id, n, err)
					}
				})
			}
		}
		all.Wait()
		for _, id := range chats {
			for n := 0; n < each; {
				m := w.tg.Next(id)
				if !strings.HasPrefix(m.Text, "number") {
					continue // the answer to hello
				}
				w.wantText(m, fmt.Sprintf("number %d", n))
				n++
			}
		}
	})
}

func TestTroubleOnTheWay(t *testing.T) {
	for name, c := range map[string]struct {
		fault  tgfake.Fault
		copies int
	}{
		"bad gateway":    {tgfake.BadGateway, 1},
		"internal error": {tgfake.Internal, 1},
		"login page":     {tgfake.Fault{Status: 200, Body: "<html>"}, 1},
		"redirect":       {tgfake.Fault{Status: 302, Body: "elsewhere"}, 1},
		"cut before":     {tgfake.Fault{CutBefore: true}, 1},
		"cut after":      {tgfake.Fault{CutAfter: true}, 2}, // better twice than not at all
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				c.fault.Method, c.fault.Times = "sendMessage", 1
				w.tg.Inject(c.fault)
				w.tg.SendText(anna, "/start")
				for range c.copies {
					w.wantText(w.tg.Next(anna.ID), "Welcome")
				}
				w.silent(anna.ID)
			})
		})
	}
}

func TestBlockedByPerson(t *testing.T) {
	inWorld(t, func(w *world) {
		w.wantText(w.say(anna, "/start"), "Welcome")
		w.tg.Block(anna, true)
		w.tg.SendText(anna, "/start")
		w.tg.Settle()
		if n := len(w.tg.Calls("sendMessage")); n != 2 {
			w.Errorf("%d calls, want 2: a refusal is final", n)
		}
		w.tg.Block(anna, false)
		w.wantText(w.say(anna, "/start"), "Welcome")
	})
}

func TestTokenNeverLeaks(t *testing.T) {
	inWorld(t, func(w *world) {
		faults := []tgfake.Fault{
			tgfake.BadGateway, tgfake.Internal,
			{CutBefore: true},
			{CutAfter: true},
			{Code: 400, Description: "Bad Request: token " + tgfake.Token + " in it"},
			{Status: 200, Body: tgfake.Token},
			{Status: 200, Body: `{"ok":true,"result":"` + tgfake.Token + `"}`},
		}
		look := func(err error) {
			w.Helper()
			if err == nil {
				w.Error("no error")
				return
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				if strings.Contains(err.Error(), tgfake.Token[10:]) {
					w.Errorf("the token is in an error: %v", err)
				}
			}
		}
		for _, f := range faults {
			injected := w.tg.Inject(f)
			ctx, cancel := context.WithTimeout(w.Context(), 3*time.Second)
			_, err := w.bot.api.getMe(ctx)
			look(err)
			look(orOK(w.bot.api.sendMessage(ctx, anna.ID, "x", nil)))
			look(orOK(w.bot.api.answerCallback(ctx, "1", "x")))
			w.tg.SendText(anna, "/start")
			time.Sleep(5 * time.Minute)
			if err := w.bot.Health(); err != nil {
				look(err)
			}
			cancel()
			injected.Remove()
		}
		w.tg.Close() // nobody listens any more
		time.Sleep(5 * time.Minute)
		look(w.bot.Health())
		ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
		defer cancel()
		look(w.bot.api.deleteWebhook(ctx))
		router := w.bot.router(ctx, teleUser())
		_, err := router.Send(teleUser(), "through telebot")
		router.OnError(err, nil)
		if !strings.Contains(w.logs.String(), "telegram handler") {
			w.Error("telebot's error was not logged, the test tests nothing")
		}
		// check looks through the whole log.
	})
}

// orOK makes up an error where there may be none.
func orOK(err error) error {
	if err == nil {
		return errors.New("ok")
	}
	return err
}

func TestRedactHandler(t *testing.T) {
	var logs logBuffer
	log := slog.New(redactHandler{slog.NewJSONHandler(&logs, nil)})
	secret := "https://api.telegram.org/bot" + tgfake.Token + "/getMe"
	encoded := strings.ReplaceAll(tgfake.Token, ":", "%3A")
	log.With("url", secret, "err", errors.New(secret)).WithGroup("g").
		Error(secret, "a", secret, "b", errors.New(encoded), slog.Group("c", "d", secret), "e", 7, "f", []string{secret})
	if got := logs.String(); strings.Contains(got, tgfake.Token[10:]) || !strings.Contains(got, `"e":7`) || strings.Count(got, redacted) != 0 && strings.Count(got, redacted) < 7 {
		t.Error(got)
	}
}

func TestParseReply(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   error
	}{
		{200, `{"ok":true,"result":true}`, nil},
		{200, ``, errNotAPI},
		{200, `[]`, errNotAPI},
		{200, `{"ok":"yes"}`, errNotAPI},
		{502, `<html>`, errNotAPI},
		{403, `{"ok":false,"description":"Forbidden"}`, &APIError{"m", 403, "Forbidden", 0, 0}},
		{
			429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}`,
			&APIError{"m", 429, "Too Many Requests: retry after 7", 7 * time.Second, 0},
		},
		{
			400, `{"ok":false,"error_code":400,"description":"up","parameters":{"migrate_to_chat_id":-1001234567890}}`,
			&APIError{"m", 400, "up", 0, -1001234567890},
		},
		{429, `{"ok":false,"error_code":429,"parameters":{"retry_after":9223372036854775807}}`, &APIError{"m", 429, "", 24 * time.Hour, 0}},
		{429, `{"ok":false,"error_code":429,"parameters":{"retry_after":-5}}`, &APIError{"m", 429, "", 0, 0}},
	} {
		got := parseReply("m", c.status, []byte(c.body))
		var have, want *APIError
		switch {
		case c.want == nil && got == nil:
		case errors.As(c.want, &want) && errors.As(got, &have) && *have == *want:
		case c.want == errNotAPI && errors.Is(got, errNotAPI):
		default:
			t.Errorf("%d %s: %v, want %v", c.status, c.body, got, c.want)
		}
	}
}

func TestTypedErrorsReachTheCaller(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tg.Inject(tgfake.Fault{Method: "sendMessage", Times: 1, Code: 429, RetryAfter: 60})
		ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		err := w.bot.api.sendMessage(ctx, anna.ID, "x", nil)
		if !refused(err, http.StatusTooManyRequests, "retry after 60") {
			w.Errorf("error %v", err)
		}
		if time.Since(began) > 5*time.Second {
			w.Error("waited in spite of the deadline")
		}
	})
}

func TestSecondFloodPausesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		wait := func(id int64) time.Duration {
			began := time.Now()
			c, leave, err := l.enter(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			defer leave()
			if err := l.wait(ctx, "m", c); err != nil {
				t.Fatal(err)
			}
			return time.Since(began)
		}
		l.told(1, l.chat(1), 30*time.Second)
		if d := wait(2); d > time.Second {
			t.Errorf("another chat waits %v", d)
		}
		l.told(3, l.chat(3), 20*time.Second)
		if d := wait(2); d < 20*time.Second {
			t.Errorf("after the second flood another chat waits %v", d)
		}
	})
}

func TestLimitsForgetRestingChats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, leave, err := l.enter(ctx, 1) // goes on
		if err != nil {
			t.Fatal(err)
		}
		for id := int64(2); id < 3*maxPaced; id++ {
			_, leave, err := l.enter(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			leave()
		}
		if len(l.chats) > maxPaced || l.chats[1] == nil {
			t.Errorf("%d chats are remembered", len(l.chats))
		}
		leave()
	})
}

func TestQuota(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	q := newQuota(2, time.Minute)
	for i, want := range []bool{true, true, false, false} {
		if q.allow(1, now) != want {
			t.Errorf("event %d", i)
		}
	}
	if !q.allow(2, now) || !q.allow(1, now.Add(time.Minute)) {
		t.Error("another key or another minute is refused")
	}
	for key := int64(10); key < 3*maxQuotaKeys; key++ {
		q.allow(key, now.Add(time.Minute))
	}
	if len(q.seen) > maxQuotaKeys {
		t.Errorf("%d keys are remembered", len(q.seen))
	}
}

func TestRecentIDs(t *testing.T) {
	r := &recentIDs{}
	for id := int64(1); id <= 3*remembered; id++ {
		if !r.add(id) || r.add(id) {
			t.Fatalf("id %d", id)
		}
	}
	if len(r.ids) > remembered || r.add(3*remembered-remembered/2) || !r.add(1) {
		t.Errorf("%d ids are remembered", len(r.ids))
	}
}
