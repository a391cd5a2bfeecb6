package tgfake

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// apiError is a refusal of the Bot API.
type apiError struct {
	code        int
	description string
	retryAfter  int
}

func bad(description string) *apiError {
	return &apiError{code: 400, description: "Bad Request: " + description}
}

func (e *apiError) body() []byte {
	b := map[string]any{"ok": false, "error_code": e.code, "description": e.description}
	if e.retryAfter > 0 {
		b["parameters"] = map[string]any{"retry_after": e.retryAfter}
	}
	j, _ := json.Marshal(b) // texts and numbers always marshal
	return j
}

// methods are the calls the server knows, by lower-case name. s.mu is held.
var methods = map[string]func(*Server, params) (any, *apiError){
	"getme":                  (*Server).getMe,
	"deletewebhook":          func(*Server, params) (any, *apiError) { return true, nil },
	"setmycommands":          (*Server).setMyCommands,
	"sendmessage":            (*Server).sendMessage,
	"sendlocation":           (*Server).sendLocation,
	"editmessagetext":        (*Server).editMessageText,
	"editmessagereplymarkup": (*Server).editMessageReplyMarkup,
	"answercallbackquery":    (*Server).answerCallbackQuery,
}

func (s *Server) getMe(params) (any, *apiError) {
	return map[string]any{"id": BotID, "is_bot": true, "first_name": "Waymark", "username": Username}, nil
}

func (s *Server) setMyCommands(p params) (any, *apiError) {
	var commands []Command
	if json.Unmarshal([]byte(p["commands"]), &commands) != nil || len(commands) > 100 {
		return nil, bad("can't parse commands JSON object")
	}
	for _, c := range commands {
		if n := len(c.Description); n < 1 || n > 256 || c.Command != strings.ToLower(c.Command) || len(c.Command) > 32 {
			return nil, bad("BOT_COMMAND_INVALID")
		}
	}
	s.commands[p["language_code"]] = commands
	return true, nil
}

func (s *Server) sendMessage(p params) (any, *apiError) {
	c, err := s.target(p)
	if err != nil {
		return nil, err
	}
	text, err := p.text()
	if err != nil {
		return nil, err
	}
	buttons, err := p.buttons()
	if err != nil {
		return nil, err
	}
	if err := s.pace(p); err != nil {
		return nil, err
	}
	m := s.add(c, &Message{Chat: p.int("chat_id"), From: BotID, Text: text, Markup: p["text"], Buttons: buttons})
	return m.json(), nil
}

func (s *Server) sendLocation(p params) (any, *apiError) {
	c, err := s.target(p)
	if err != nil {
		return nil, err
	}
	lat, lon, accuracy := p.float("latitude"), p.float("longitude"), p.float("horizontal_accuracy")
	if !(math.Abs(lat) <= 90 && math.Abs(lon) <= 180) || p["latitude"] == "" || p["longitude"] == "" {
		return nil, bad("latitude and longitude are wrong")
	}
	if p["horizontal_accuracy"] != "" && !(accuracy >= 0 && accuracy <= 1500) {
		return nil, bad("wrong horizontal accuracy specified")
	}
	buttons, err := p.buttons()
	if err != nil {
		return nil, err
	}
	if err := s.pace(p); err != nil {
		return nil, err
	}
	m := s.add(c, &Message{Chat: p.int("chat_id"), From: BotID, Location: &Location{lat, lon, accuracy}, Buttons: buttons})
	return m.json(), nil
}

func (s *Server) editMessageText(p params) (any, *apiError) {
	m, err := s.editable(p)
	if err != nil {
		return nil, err
	}
	text, err := p.text()
	if err != nil {
		return nil, err
	}
	return s.edit(p, m, func(m *Message) { m.Text, m.Markup = text, p["text"] })
}

func (s *Server) editMessageReplyMarkup(p params) (any, *apiError) {
	m, err := s.editable(p)
	if err != nil {
		return nil, err
	}
	return s.edit(p, m, func(*Message) {})
}

func (s *Server) edit(p params, m *Message, change func(*Message)) (any, *apiError) {
	buttons, err := p.buttons()
	if err != nil {
		return nil, err
	}
	changed := *m
	changed.Buttons = buttons
	change(&changed)
	if changed.Markup == m.Markup && slices.EqualFunc(changed.Buttons, m.Buttons, slices.Equal) {
		return nil, bad("message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message")
	}
	if err := s.pace(p); err != nil {
		return nil, err
	}
	changed.Edits++
	changed.At = time.Now()
	*m = changed
	c := s.chat(m.Chat)
	c.events = append(c.events, changed)
	s.notify()
	return m.json(), nil
}

func (s *Server) editable(p params) (*Message, *apiError) {
	c, err := s.target(p)
	if err != nil {
		return nil, err
	}
	m := c.find(int(p.int("message_id")))
	switch {
	case m == nil:
		return nil, bad("message to edit not found")
	case m.From != BotID, m.Location != nil:
		return nil, bad("message can't be edited")
	}
	return m, nil
}

func (s *Server) answerCallbackQuery(p params) (any, *apiError) {
	a := s.taps[p["callback_query_id"]]
	switch {
	case a == nil || a.Answered:
		return nil, bad("query is too old and response timeout expired or query ID is invalid")
	case len(utf16.Encode([]rune(p["text"]))) > 200:
		return nil, bad("MESSAGE_TOO_LONG")
	}
	a.Answered, a.Text = true, p["text"]
	s.notify()
	return true, nil
}

// target finds the chat of a call.
func (s *Server) target(p params) (*chat, *apiError) {
	c := s.chats[p.int("chat_id")]
	switch {
	case p["chat_id"] == "":
		return nil, bad("chat_id is empty")
	case c == nil || len(c.messages) == 0: // nobody has written to the bot there
		return nil, bad("chat not found")
	case c.blocked:
		return nil, &apiError{code: 403, description: "Forbidden: bot was blocked by the user"}
	}
	return c, nil
}

// pace holds a call to the limits.
func (s *Server) pace(p params) *apiError {
	if n := s.limits.take(p.int("chat_id"), time.Now()); n > 0 {
		return tooMany(n)
	}
	return nil
}

func tooMany(retryAfter int) *apiError {
	return &apiError{http.StatusTooManyRequests, fmt.Sprintf("Too Many Requests: retry after %d", retryAfter), retryAfter}
}

// params are a call's parameters; what is not text is JSON.
type params map[string]string

func (p params) int(name string) int64 {
	n, _ := strconv.ParseInt(p[name], 10, 64) // 0 is no chat and no message
	return n
}

func (p params) float(name string) float64 {
	f, err := strconv.ParseFloat(p[name], 64)
	if err != nil {
		return math.NaN()
	}
	return f
}

const maxText = 4096

func (p params) text() (string, *apiError) {
	text := p["text"]
	if strings.EqualFold(p["parse_mode"], "HTML") {
		plain, err := parseHTML(text)
		if err != nil {
			return "", bad("can't parse entities: " + err.Error())
		}
		text = plain
	}
	switch n := len(utf16.Encode([]rune(text))); {
	case strings.TrimSpace(text) == "":
		return "", bad("message text is empty")
	case n > maxText:
		return "", bad("message is too long")
	}
	return text, nil
}

func (p params) buttons() ([][]Button, *apiError) {
	if p["reply_markup"] == "" {
		return nil, nil
	}
	var markup struct {
		Rows [][]Button `json:"inline_keyboard"`
	}
	if json.Unmarshal([]byte(p["reply_markup"]), &markup) != nil {
		return nil, bad("can't parse reply keyboard markup JSON object")
	}
	n := 0
	for _, row := range markup.Rows {
		for _, b := range row {
			n++
			switch {
			case strings.TrimSpace(b.Text) == "":
				return nil, bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
			case b.URL == "" && (len(b.Data) < 1 || len(b.Data) > 64):
				return nil, bad("BUTTON_DATA_INVALID")
			}
		}
	}
	if n > 100 {
		return nil, bad("REPLY_MARKUP_TOO_LONG")
	}
	if n == 0 {
		return nil, nil
	}
	return markup.Rows, nil
}

func (m *Message) json() map[string]any {
	j := map[string]any{
		"message_id": m.ID, "date": m.At.Unix(), "chat": chatJSON(m.Chat, Person{}),
		"from": map[string]any{"id": BotID, "is_bot": true, "first_name": "Waymark", "username": Username},
	}
	if m.Location != nil {
		j["location"] = map[string]any{"latitude": m.Location.Latitude, "longitude": m.Location.Longitude}
	} else {
		j["text"] = m.Text
	}
	return j
}
