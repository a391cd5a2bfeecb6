package tgfake

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Person is somebody with a Telegram account.
type Person struct {
	ID        int64
	FirstName string
	LastName  string
	Username  string
	// Language is the language of the person's client, "de"; may be empty.
	Language string
	IsBot    bool
}

// Message is a message as the chat shows it.
type Message struct {
	ID   int
	Chat int64
	// From is who wrote it; BotID for the bot.
	From int64
	// Text is the text without markup; Markup is what the bot sent.
	Text, Markup string
	Location     *Location
	Buttons      [][]Button
	// Edits counts how often it was changed.
	Edits int
	// At is when it was sent or last changed.
	At time.Time
}

// Location is a pin.
type Location struct {
	Latitude, Longitude float64
	// AccuracyM is metres, 0 if not given.
	AccuracyM float64
}

// Button is a button under a message.
type Button struct {
	Text string `json:"text"`
	Data string `json:"callback_data"`
	URL  string `json:"url"`
}

// chat is a private chat, whose id is the person's, or a group, whose id is
// negative.
type chat struct {
	messages []*Message
	blocked  bool
	// events are the bot's messages and edits in order; read is how many of them
	// Next has returned.
	events []Message
	read   int
}

// update waits for the bot.
type update struct {
	id  int64
	raw json.RawMessage
}

// SendText writes to the bot in the person's private chat.
func (s *Server) SendText(p Person, text string) Message {
	return s.SendTextTo(p.ID, p, text)
}

// SendTextTo writes into a chat; negative ids are groups.
func (s *Server) SendTextTo(chatID int64, p Person, text string) Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.add(s.chat(chatID), &Message{Chat: chatID, From: p.ID, Text: text})
	s.push("message", map[string]any{
		"message_id": m.ID, "date": m.At.Unix(), "chat": chatJSON(chatID, p), "from": p.json(), "text": text,
	})
	return *m
}

// Tap taps the button with the label under the message as it is now, and
// returns the id of the tap.
func (s *Server) Tap(p Person, m Message, label string) string {
	s.t.Helper()
	for _, row := range s.Message(m.Chat, m.ID).Buttons {
		for _, b := range row {
			if b.Text == label {
				return s.TapData(p, m, b.Data)
			}
		}
	}
	s.t.Fatalf("message %q has no button %q", m.Text, label)
	return ""
}

// TapData sends data as if a button of the message had it, as a hostile client
// can, and returns the id of the tap.
func (s *Server) TapData(p Person, m Message, data string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := strconv.Itoa(1_000_000 + len(s.taps))
	s.taps[id] = &Answer{}
	s.push("callback_query", map[string]any{
		"id": id, "from": p.json(), "chat_instance": "1", "data": data,
		"message": map[string]any{"message_id": m.ID, "date": m.At.Unix(), "chat": chatJSON(m.Chat, p), "text": m.Text},
	})
	return id
}

// AwaitAnswer waits until the spinner of a tap has stopped.
func (s *Server) AwaitAnswer(tap string) Answer {
	s.t.Helper()
	var a Answer
	s.Await("the answer to tap "+tap, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		if known := s.taps[tap]; known != nil {
			a = *known
		}
		return a.Answered
	})
	return a
}

// Next waits for the bot's next message or edit in a chat, in the order they
// happened.
func (s *Server) Next(chatID int64) Message {
	s.t.Helper()
	var next Message
	s.Await(fmt.Sprintf("a message in chat %d", chatID), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		c := s.chat(chatID)
		if c.read == len(c.events) {
			return false
		}
		next = c.events[c.read]
		c.read++
		return true
	})
	return next
}

// Unread returns the bot's messages and edits that Next has not returned.
func (s *Server) Unread(chatID int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chat(chatID)
	return slices.Clone(c.events[c.read:])
}

// Messages returns what is in a chat now.
func (s *Server) Messages(chatID int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Message
	for _, m := range s.chat(chatID).messages {
		all = append(all, *m)
	}
	return all
}

// Message returns a message as it is now.
func (s *Server) Message(chatID int64, id int) Message {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.chat(chatID).find(id)
	if m == nil {
		s.t.Fatalf("chat %d has no message %d", chatID, id)
	}
	return *m
}

// Block makes the person block the bot, or unblock it.
func (s *Server) Block(p Person, blocked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chat(p.ID).blocked = blocked
}

// Push delivers an update of any kind: Push("message", map[string]any{...}).
func (s *Server) Push(kind string, content any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.push(kind, content)
}

// PushRaw delivers an update as it is, whatever its JSON says: a repeated id,
// something that cannot be read. id is what the server confirms it by.
func (s *Server) PushRaw(id int64, raw json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updates = append(s.updates, &update{id, raw})
	s.notify()
}

// NextUpdateID is the id the next update will have.
func (s *Server) NextUpdateID() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nextUpdate
}

// SetNextUpdateID makes ids go on elsewhere, as Telegram's do after a week of
// silence.
func (s *Server) SetNextUpdateID(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextUpdate = id
}

// push queues an update if the bot wants its kind; s.mu is held.
func (s *Server) push(kind string, content any) {
	if s.allowed != nil && !slices.Contains(s.allowed, kind) {
		return
	}
	raw, err := json.Marshal(map[string]any{"update_id": s.nextUpdate, kind: content})
	if err != nil {
		s.t.Errorf("write an update: %v", err)
		return
	}
	s.updates = append(s.updates, &update{s.nextUpdate, raw})
	s.nextUpdate++
	s.notify()
}

// chat returns a chat, new if need be; s.mu is held.
func (s *Server) chat(id int64) *chat {
	if s.chats[id] == nil {
		s.chats[id] = &chat{}
	}
	return s.chats[id]
}

// add puts a message into a chat; s.mu is held.
func (s *Server) add(c *chat, m *Message) *Message {
	m.ID, m.At = len(c.messages)+1, time.Now()
	c.messages = append(c.messages, m)
	if m.From == BotID {
		c.events = append(c.events, *m)
	}
	s.notify()
	return m
}

func (c *chat) find(id int) *Message {
	if id < 1 || id > len(c.messages) {
		return nil
	}
	return c.messages[id-1]
}

func (p Person) json() map[string]any {
	return map[string]any{
		"id": p.ID, "is_bot": p.IsBot, "first_name": p.FirstName, "last_name": p.LastName,
		"username": p.Username, "language_code": p.Language,
	}
}

func chatJSON(id int64, p Person) map[string]any {
	if id < 0 {
		return map[string]any{"id": id, "type": "supergroup", "title": "A group"}
	}
	return map[string]any{"id": id, "type": "private", "first_name": p.FirstName, "username": p.Username}
}
