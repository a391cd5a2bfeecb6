package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	tele "gopkg.in/telebot.v3"
)

// client calls the few Bot API methods the bot needs, with real types: whole
// coordinates, a context, typed errors. See
// https://core.telegram.org/bots/api#available-methods.
type client struct {
	base string // https://host/bot<token>; secret
	http *http.Client
}

func newClient(apiURL, token string, t *transport) *client {
	return &client{base: apiURL + "/bot" + token, http: &http.Client{
		Transport: t,
		Timeout:   90 * time.Second, // for callers without a deadline; above the longest poll
		// A redirect would carry the token to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// call calls a method. result may be nil.
func (c *client) call(ctx context.Context, method string, params, result any) error {
	body, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("telegram %s: write the request: %w", method, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/"+method, bytes.NewReader(body))
	if err != nil {
		return redactError(fmt.Errorf("telegram %s: %w", method, err))
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return redactError(err)
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body) // bounded by transport
	if err != nil {
		return redactError(fmt.Errorf("telegram %s: read the answer: %w", method, err))
	}
	if result == nil {
		return nil
	}
	var envelope struct {
		Result json.RawMessage `json:"result"`
	}
	if err := errors.Join(json.Unmarshal(reply, &envelope), json.Unmarshal(envelope.Result, result)); err != nil {
		return fmt.Errorf("telegram %s: %w: %w", method, errNotAPI, err)
	}
	return nil
}

// button is one button under a message. Telegram gives data back when it is
// tapped (at most 64 bytes).
type button struct {
	Text string `json:"text"`
	Data string `json:"callback_data"`
}

// tap makes the data of a button: telebot routes "\f<handler>|<data>".
func tap(handler, data string) string { return "\f" + handler + "|" + data }

// keyboard is rows of buttons.
type keyboard [][]button

func (k keyboard) MarshalJSON() ([]byte, error) {
	rows := [][]button(k)
	if rows == nil {
		rows = [][]button{}
	}
	return json.Marshal(map[string]any{"inline_keyboard": rows})
}

func (c *client) getMe(ctx context.Context) (*tele.User, error) {
	me := new(tele.User)
	if err := c.call(ctx, "getMe", struct{}{}, me); err != nil {
		return nil, err
	}
	if me.ID == 0 {
		return nil, fmt.Errorf("telegram getMe: %w", errNotAPI)
	}
	return me, nil
}

// deleteWebhook makes sure that updates are to be asked for; those waiting stay.
func (c *client) deleteWebhook(ctx context.Context) error {
	return c.call(ctx, "deleteWebhook", struct{}{}, nil)
}

// setMyCommands sets the menu for people with the language, "" for all others.
func (c *client) setMyCommands(ctx context.Context, language string, commands []tele.Command) error {
	params := map[string]any{"commands": commands}
	if language != "" {
		params["language_code"] = language
	}
	return c.call(ctx, "setMyCommands", params, nil)
}

// allowedUpdates is always sent: without it the server goes on with the list of
// an earlier call.
var allowedUpdates = []string{"message", "callback_query"}

// getUpdates confirms all updates below offset and waits for more. Updates come
// raw, so that one which cannot be read does not take the others with it.
func (c *client) getUpdates(ctx context.Context, offset int64, wait time.Duration) ([]json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+15*time.Second)
	defer cancel()
	var updates []json.RawMessage
	err := c.call(ctx, "getUpdates", map[string]any{
		"offset": offset, "limit": 100, "timeout": int(wait / time.Second), "allowed_updates": allowedUpdates,
	}, &updates)
	return updates, err
}

func (c *client) sendMessage(ctx context.Context, chat int64, html string, buttons keyboard) error {
	return c.call(ctx, "sendMessage", messageParams(chat, html, buttons), nil)
}

// editMessage changes a message of ours. An edit that changes nothing is fine;
// when the message can no longer be edited a new one is sent.
func (c *client) editMessage(ctx context.Context, chat int64, message int, html string, buttons keyboard) error {
	params := messageParams(chat, html, buttons)
	params["message_id"] = message
	params["reply_markup"] = buttons // an empty one removes the old
	err := c.call(ctx, "editMessageText", params, nil)
	switch {
	case refused(err, http.StatusBadRequest, "message is not modified"):
		return nil
	case refused(err, http.StatusBadRequest, "message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID"):
		return c.sendMessage(ctx, chat, html, buttons)
	}
	return err
}

func messageParams(chat int64, html string, buttons keyboard) map[string]any {
	params := map[string]any{
		"chat_id": chat, "text": html, "parse_mode": "HTML",
		"link_preview_options": map[string]any{"is_disabled": true},
	}
	if len(buttons) > 0 {
		params["reply_markup"] = buttons
	}
	return params
}

// removeButtons takes the buttons off a message.
func (c *client) removeButtons(ctx context.Context, chat int64, message int) error {
	err := c.call(ctx, "editMessageReplyMarkup", map[string]any{
		"chat_id": chat, "message_id": message, "reply_markup": keyboard{},
	}, nil)
	if refused(err, http.StatusBadRequest) {
		return nil // gone, or without buttons already
	}
	return err
}

// sendLocation puts a pin into a chat. Coordinates are degrees, accuracy is
// metres, 0 if unknown; Telegram takes at most 1500.
func (c *client) sendLocation(ctx context.Context, chat int64, latitude, longitude, accuracyM float64) error {
	params := map[string]any{"chat_id": chat, "latitude": latitude, "longitude": longitude}
	if accuracyM > 0 && accuracyM <= 1500 {
		params["horizontal_accuracy"] = accuracyM
	}
	return c.call(ctx, "sendLocation", params, nil)
}

// answerCallback stops the spinner of a tapped button; popup may be empty and
// is plain text of at most 200 signs.
func (c *client) answerCallback(ctx context.Context, id, popup string) error {
	params := map[string]any{"callback_query_id": id}
	if popup != "" {
		params["text"] = popup
	}
	err := c.call(ctx, "answerCallbackQuery", params, nil)
	if refused(err, http.StatusBadRequest) {
		return nil // too late: the spinner has stopped by itself
	}
	return err
}
