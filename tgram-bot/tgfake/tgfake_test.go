package tgfake

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var anna = Person{ID: 7, FirstName: "Anna", Language: "en"}

// reply is an answer of the server.
type reply struct {
	OK          bool            `json:"ok"`
	Code        int             `json:"error_code"`
	Description string          `json:"description"`
	Result      json.RawMessage `json:"result"`
	Parameters  struct {
		RetryAfter int `json:"retry_after"`
	} `json:"parameters"`
}

// bubble runs a test with a server in memory and a function that calls it.
func bubble(t *testing.T, test func(t *testing.T, s *Server, call func(method, body string) reply)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := NewPipe(t)
		client := &http.Client{Transport: &http.Transport{DialContext: s.Dial, DisableKeepAlives: true}, Timeout: 2 * time.Minute}
		test(t, s, func(method, body string) reply {
			resp, err := client.Post(s.URL+"/bot"+Token+"/"+method, "application/json", strings.NewReader(body))
			if err != nil {
				return reply{Description: "network"}
			}
			defer resp.Body.Close()
			var r reply
			b, err := io.ReadAll(resp.Body)
			if err != nil || json.Unmarshal(b, &r) != nil {
				return reply{Description: "not JSON", Code: resp.StatusCode}
			}
			if !r.OK && r.Code != resp.StatusCode {
				t.Errorf("%s: status %d, error_code %d", method, resp.StatusCode, r.Code)
			}
			return r
		})
	})
}

func TestRefusals(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, call func(string, string) reply) {
		s.SendText(anna, "hello")
		if r := call("sendMessage", `{"chat_id":"7","text":"<b>a &amp; b</b> &lt;","parse_mode":"html"}`); !r.OK {
			t.Fatalf("%+v", r)
		}
		if m := s.Next(7); m.Text != "a & b <" || m.ID != 2 {
			t.Errorf("message %+v", m)
		}
		button := func(n int) string {
			return fmt.Sprintf(`{"chat_id":7,"text":"x","reply_markup":{"inline_keyboard":[[{"text":"b","callback_data":%q}]]}}`, strings.Repeat("x", n))
		}
		for _, c := range []struct{ method, body, want string }{
			{"nothing", `{}`, "404 Not Found: method not found"},
			{"sendMessage", `{`, "400 Bad Request: can't parse request"},
			{"sendMessage", `{"text":"x"}`, "400 Bad Request: chat_id is empty"},
			{"sendMessage", `{"chat_id":8,"text":"x"}`, "400 Bad Request: chat not found"},
			{"sendMessage", `{"chat_id":7,"text":" "}`, "400 Bad Request: message text is empty"},
			{"sendMessage", `{"chat_id":7,"text":"` + strings.Repeat("x", 4097) + `"}`, "400 Bad Request: message is too long"},
			{"sendMessage", `{"chat_id":7,"text":"a < b","parse_mode":"HTML"}`, "400 Bad Request: can't parse entities"},
			{"sendMessage", `{"chat_id":7,"text":"<b>a","parse_mode":"HTML"}`, "400 Bad Request: can't parse entities"},
			{"sendMessage", `{"chat_id":7,"text":"<b><i>a</b></i>","parse_mode":"HTML"}`, "400 Bad Request: can't parse entities"},
			{"sendMessage", `{"chat_id":7,"text":"<div>a</div>","parse_mode":"HTML"}`, "400 Bad Request: can't parse entities"},
			{"sendMessage", button(65), "400 Bad Request: BUTTON_DATA_INVALID"},
			{"sendMessage", button(0), "400 Bad Request: BUTTON_DATA_INVALID"},
			{"editMessageText", `{"chat_id":7,"message_id":2,"text":"<b>a &amp; b</b> &lt;","parse_mode":"HTML"}`, "400 Bad Request: message is not modified"},
			{"editMessageText", `{"chat_id":7,"message_id":99,"text":"x"}`, "400 Bad Request: message to edit not found"},
			{"editMessageText", `{"chat_id":7,"message_id":1,"text":"x"}`, "400 Bad Request: message can't be edited"},
			{"sendLocation", `{"chat_id":7,"latitude":91,"longitude":0}`, "400 Bad Request"},
			{"sendLocation", `{"chat_id":7,"latitude":1,"longitude":1,"horizontal_accuracy":1501}`, "400 Bad Request"},
			{"answerCallbackQuery", `{"callback_query_id":"1"}`, "400 Bad Request: query is too old"},
			{"setMyCommands", `{"commands":[{"command":"x","description":""}]}`, "400 Bad Request: BOT_COMMAND_INVALID"},
		} {
			if r := call(c.method, c.body); r.OK || !strings.HasPrefix(fmt.Sprintf("%d %s", r.Code, r.Description), c.want) {
				t.Errorf("%s %.80s: %d %s, want %s", c.method, c.body, r.Code, r.Description, c.want)
			}
		}
		if r := call("sendMessage", button(64)); !r.OK {
			t.Errorf("64 bytes: %+v", r)
		}
		s.Block(anna, true)
		if r := call("sendMessage", `{"chat_id":7,"text":"x"}`); r.Code != 403 {
			t.Errorf("blocked: %+v", r)
		}
	})
}

func TestPolling(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, call func(string, string) reply) {
		ids := func(r reply) (all []int64) {
			var updates []struct {
				ID int64 `json:"update_id"`
			}
			if err := json.Unmarshal(r.Result, &updates); err != nil {
				t.Fatalf("%+v: %v", r, err)
			}
			for _, u := range updates {
				all = append(all, u.ID)
			}
			return all
		}
		began := time.Now()
		if got := ids(call("getUpdates", `{"timeout":20,"allowed_updates":["message"]}`)); len(got) != 0 || time.Since(began) != 20*time.Second {
			t.Errorf("%v after %v", got, time.Since(began))
		}
		began = time.Now()
		time.AfterFunc(3*time.Second, func() { s.SendText(anna, "wake up") })
		first := ids(call("getUpdates", `{"timeout":20,"allowed_updates":null}`))
		if len(first) != 1 || time.Since(began) != 3*time.Second {
			t.Fatalf("%v after %v", first, time.Since(began))
		}
		s.Push("edited_message", map[string]any{}) // not in the list, which null has kept
		s.SendText(anna, "second")
		if got := ids(call("getUpdates", `{"offset":0}`)); len(got) != 2 {
			t.Errorf("unconfirmed: %v", got)
		}
		if got := ids(call("getUpdates", fmt.Sprintf(`{"offset":"%d","limit":1}`, first[0]+1))); len(got) != 1 || got[0] != first[0]+1 || s.Pending() != 1 {
			t.Errorf("after confirming the first: %v", got)
		}
		old := make(chan reply)
		go func() { old <- call("getUpdates", fmt.Sprintf(`{"offset":%d,"timeout":50}`, first[0]+2)) }()
		synctest.Wait()
		call("getUpdates", `{"timeout":0}`)
		if r := <-old; r.Code != 409 {
			t.Errorf("the older poller got %+v", r)
		}
	})
}

func TestLimits(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, call func(string, string) reply) {
		const group = -100
		s.SendText(anna, "x")
		s.SendTextTo(group, anna, "x")
		send := func(chat int) reply { return call("sendMessage", fmt.Sprintf(`{"chat_id":%d,"text":"x"}`, chat)) }
		for range chatBurst {
			if r := send(7); !r.OK {
				t.Fatalf("%+v", r)
			}
		}
		r := send(7)
		if r.Code != 429 || r.Parameters.RetryAfter != 1 || r.Description != "Too Many Requests: retry after 1" {
			t.Fatalf("%+v", r)
		}
		if r = send(7); r.Parameters.RetryAfter != 2 || len(s.Violations()) != 1 {
			t.Errorf("too early: %+v, %v", r, s.Violations())
		}
		time.Sleep(2 * time.Second)
		if r = send(7); !r.OK {
			t.Errorf("%+v", r)
		}
		for range groupMost {
			if r := send(group); !r.OK {
				t.Fatalf("%+v", r)
			}
			time.Sleep(time.Second)
		}
		if r = send(group); r.Code != 429 || r.Parameters.RetryAfter < 30 {
			t.Errorf("%+v", r)
		}
	})
}

func TestFaults(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, call func(string, string) reply) {
		s.SendText(anna, "x")
		const send = `{"chat_id":7,"text":"x"}`
		s.Inject(Fault{Method: "sendMessage", Times: 1, CutAfter: true})
		s.Inject(Fault{Method: "sendMessage", Chat: 7, Times: 1, CutBefore: true})
		if call("sendMessage", send).Description != "network" || call("sendMessage", send).Description != "network" {
			t.Error("the connection was not cut")
		}
		if n := len(s.Unread(7)); n != 1 {
			t.Errorf("%d messages, want the one whose answer was cut", n)
		}
		f := s.Inject(BadGateway)
		if r := call("getMe", `{}`); r.Code != 502 || r.Description != "not JSON" {
			t.Errorf("%+v", r)
		}
		f.Remove()
		if r := call("getMe", `{}`); !r.OK || f.Used() != 1 {
			t.Errorf("%+v, used %d", r, f.Used())
		}
	})
}

func TestFormsAndTokens(t *testing.T) {
	s := New(t)
	s.SendText(anna, "x")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	get := func(path string) int {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for path, want := range map[string]int{
		"/bot" + Token + "/SENDMESSAGE?chat_id=7&text=query": 200,
		"/bot1:wrong/getMe": 401,
		"/bot" + Token:      404,
		"/":                 404,
	} {
		if got := get(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	resp, err := http.PostForm(s.URL+"/bot"+Token+"/sendMessage", url.Values{"chat_id": {"7"}, "text": {"form"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if a, b := s.Next(7), s.Next(7); a.Text != "query" || b.Text != "form" {
		t.Errorf("messages %q, %q", a.Text, b.Text)
	}
}
